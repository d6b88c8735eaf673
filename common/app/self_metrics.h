#pragma once

#include <prometheus/registry.h>

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/app.h"
#include "common/base/error.h"
#include "common/http/upstream_metrics.h"
#include "common/metric/samples.h"

namespace exporter {

/// The metrics of the process itself: its build, configuration, failures and upstreams. Lives as
/// long as the process, across reloads.
class SelfMetrics {
 public:
  explicit SelfMetrics(const App& app);

  /// Thread-safe.
  void add(Samples& samples) const;
  void count_failure(const Collector& collector, Reason reason);
  void config_loaded(bool successful);
  void web_config_loaded(bool successful) { web_config_successful_ = successful; }
  http::UpstreamMetrics& upstreams() { return upstreams_; }

  /// Its families and those of the process, borrowed.
  std::vector<MetricView> metrics() const;

 private:
  void add_registry(Samples& samples) const;

  const App& app_;
  std::atomic<bool> reload_successful_ = true, web_config_successful_ = true;
  std::atomic<double> reload_success_time_ = 0;
  prometheus::Registry registry_;
  prometheus::Family<prometheus::Counter>& failures_;
  http::UpstreamMetrics upstreams_;
};

}  // namespace exporter
