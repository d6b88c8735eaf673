#include "common/app/self_metrics.h"

#include <prometheus/counter.h>

#include <cmath>

#include "common/app/process_metrics.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "version.h"

namespace exporter {
namespace {

constexpr auto kBuild = info("exporter_build_info", "The exporter, its version and revision.",
                             "exporter", "version", "revision");
constexpr auto kNodeBuild =
    info("node_exporter_build_info",
         "node_exporter: Its dashboards find hosts by this metric; the version is this exporter's.",
         "version", "revision");
constexpr auto kReloadSuccessful =
    gauge("exporter_config_last_reload_successful",
          "Whether the last attempts to load the configuration and the web configuration "
          "succeeded.");
constexpr auto kReloadTime =
    gauge("exporter_config_last_reload_success_timestamp_seconds",
          "When the configuration was last loaded, in seconds since 1970.");
constexpr auto kFailures = counter("exporter_collector_failures_total",
                                   "Failed runs of the collector; absent before the first.",
                                   "collector", "reason", "source");
constexpr auto kLogDropped =
    counter("exporter_log_dropped_lines_total",
            "Log lines that were dropped because nobody read them in time.");
constexpr auto kUpstreamRequests = counter(
    http::UpstreamMetrics::kRequests, http::UpstreamMetrics::kRequestsHelp, "upstream", "code");
constexpr auto kUpstreamDuration = histogram(
    http::UpstreamMetrics::kDuration, http::UpstreamMetrics::kDurationHelp, "upstream", "phase");

MetricType type_of(prometheus::MetricType type) {
  switch (type) {
    case prometheus::MetricType::Counter: return MetricType::counter;
    case prometheus::MetricType::Gauge: return MetricType::gauge;
    case prometheus::MetricType::Histogram: return MetricType::histogram;
    case prometheus::MetricType::Summary:
    case prometheus::MetricType::Untyped: break;
  }
  return MetricType::untyped;
}

void add_metric(Samples& samples, const prometheus::MetricFamily& family,
                const prometheus::ClientMetric& metric) {
  std::vector<std::string_view> names, values;
  for (const auto& label : metric.label) {
    names.emplace_back(label.name);
    values.emplace_back(label.value);
  }
  const MetricView view{type_of(family.type), family.name, family.help, names};
  if (view.type != MetricType::histogram) {
    const bool is_counter = view.type == MetricType::counter;
    samples.add(view, is_counter ? metric.counter.value : metric.gauge.value, values);
    return;
  }
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts;
  std::uint64_t below = 0;
  for (const auto& bucket : metric.histogram.bucket) {
    if (!std::isinf(bucket.upper_bound)) bounds.push_back(bucket.upper_bound);
    counts.push_back(bucket.cumulative_count - below);
    below = bucket.cumulative_count;
  }
  samples.add_histogram(view, bounds, counts, metric.histogram.sample_sum, values);
}

}  // namespace

SelfMetrics::SelfMetrics(const App& app)
    : app_(app),
      failures_(prometheus::BuildCounter()
                    .Name(std::string(kFailures.name))
                    .Help(std::string(kFailures.help))
                    .Register(registry_)),
      upstreams_(registry_) {}

void SelfMetrics::add(Samples& samples) const {
  samples.add(kBuild, 1, app_.name, kVersion, kRevision);
  if (app_.node_exporter_names) samples.add(kNodeBuild, 1, kVersion, kRevision);
  samples.add(kReloadSuccessful, reload_successful_ && web_config_successful_ ? 1 : 0);
  samples.add(kReloadTime, reload_success_time_);
  samples.add(kLogDropped, static_cast<double>(log::dropped()));
  add_registry(samples);
}

void SelfMetrics::add_registry(Samples& samples) const {
  for (const auto& family : registry_.Collect()) {
    if (family.metric.empty()) continue;
    samples.declare({type_of(family.type), family.name, family.help, {}});
    for (const auto& metric : family.metric) add_metric(samples, family, metric);
  }
}

void SelfMetrics::count_failure(const Collector& collector, Reason reason) {
  prometheus::Labels labels{{"collector", collector.name},
                            {"reason", std::string(to_string(reason))}};
  if (!collector.source.empty()) labels["source"] = collector.source;
  failures_.Add(labels).Increment();
}

void SelfMetrics::config_loaded(bool successful) {
  reload_successful_ = successful;
  if (successful) reload_success_time_ = unix_now();
}

std::vector<MetricView> SelfMetrics::metrics() const {
  MetricView failures = kFailures;
  if (app_.sources.label.empty()) failures.labels = failures.labels.first(2);
  std::vector<MetricView> all = {kBuild,   kReloadSuccessful, kReloadTime,      kLogDropped,
                                 failures, kUpstreamRequests, kUpstreamDuration};
  if (app_.node_exporter_names) all.push_back(kNodeBuild);
  for (const auto& metric : process_metrics()) all.push_back(metric);
  return all;
}

}  // namespace exporter
