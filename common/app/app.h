#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/settings.h"
#include "common/collect/collector.h"
#include "common/http/upstream_metrics.h"

namespace exporter {

class Yaml;

/// What makes one exporter of the suite out of the common library.
struct App {
  std::string_view name;            ///< "host_exporter"
  std::string_view description;     ///< one sentence, for --help and the landing page
  std::string_view default_listen;  ///< ":19100"

  struct CollectorFlag {
    std::string_view name;
    bool enabled;  ///< the default of --collector.<name>
    std::vector<MetricView> metrics;
  };
  std::vector<CollectorFlag> collectors;
  /// Collectors that only the exporter has that this one stands in for: turning one off is
  /// accepted, turning it on is refused.
  std::vector<std::string_view> foreign_collectors;
  std::vector<Flag> flags;
  /// node_exporter's names too for the build and the runs of collectors, for dashboards made for
  /// it.
  bool node_exporter_names = false;

  /// What a generation of collectors is built from.
  struct Inputs {
    const Settings& settings;
    const Yaml* file;  ///< null without --config.file
    http::UpstreamMetrics& upstreams;
    std::string state_dir;  ///< empty: keep nothing
    bool starting;          ///< the first generation of one that will serve: time for warnings

    /// Whether --collector.<name> is on.
    bool enabled(std::string_view collector) const;
  };
  /// Builds the collectors that are enabled. Throws Error{config}.
  std::function<std::vector<Collector>(const Inputs&)> build;
};

/// Runs the exporter: flags, log, configuration, signals, web server. The process's exit code: 0
/// after SIGTERM or SIGINT, 1 after an error, which it has logged.
int run(const App& app, int argc, char** argv);

}  // namespace exporter
