#include "common/http/upstream_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>

namespace exporter::http {

struct UpstreamMetrics::Families {
  prometheus::Family<prometheus::Counter>& requests;
  prometheus::Family<prometheus::Histogram>& durations;
};

UpstreamMetrics::UpstreamMetrics(prometheus::Registry& registry)
    : families_(new Families{
          prometheus::BuildCounter().Name(kRequests).Help(kRequestsHelp).Register(registry),
          prometheus::BuildHistogram().Name(kDuration).Help(kDurationHelp).Register(registry)}) {}

UpstreamMetrics::~UpstreamMetrics() = default;

void UpstreamMetrics::count(std::string_view upstream, std::string_view code) {
  families_->requests.Add({{"upstream", std::string(upstream)}, {"code", std::string(code)}})
      .Increment();
}

void UpstreamMetrics::observe(std::string_view upstream, std::string_view phase, double seconds) {
  static const prometheus::Histogram::BucketBoundaries kBuckets = {
      0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  families_->durations
      .Add({{"upstream", std::string(upstream)}, {"phase", std::string(phase)}}, kBuckets)
      .Observe(seconds);
}

void UpstreamMetrics::hold(const std::string& upstream, const std::string& origin,
                           Clock::time_point until) {
  const std::lock_guard lock(mutex_);
  auto& held = held_until_.try_emplace({upstream, origin}, until).first->second;
  held = std::max(held, until);
}

Clock::time_point UpstreamMetrics::held_until(const std::string& upstream,
                                              const std::string& origin) const {
  const std::lock_guard lock(mutex_);
  const auto found = held_until_.find({upstream, origin});
  return found == held_until_.end() ? Clock::time_point::min() : found->second;
}

}  // namespace exporter::http
