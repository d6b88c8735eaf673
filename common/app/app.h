#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/module.h"
#include "common/app/settings.h"
#include "common/app/sources.h"

namespace exporter {

/// Declares one exporter of the suite for the common library.
struct App {
  std::string_view name;            ///< "host_exporter"
  std::string_view description;     ///< one sentence, for --help and the landing page
  std::string_view default_listen;  ///< ":19100"

  AnySourceKind sources;           ///< see watch()
  std::vector<AnyModule> modules;  ///< see watch()
  /// Collectors of another exporter whose command line this one accepts: disabling one, or
  /// requesting it in a scrape, is accepted; enabling one is an error.
  std::vector<std::string_view> foreign_collectors;
  /// A collector that the configuration file can define, for the list of metrics.
  struct Described {
    std::string_view name, key;  ///< of the collector, and of the file
    std::vector<MetricView> metrics;
  };
  std::vector<Described> described;
  std::vector<Flag> flags;  ///< besides those of the modules and sources
  /// Also export the build and the collectors' results under node_exporter's names, for its
  /// dashboards.
  bool node_exporter_names = false;

  /// Converts a configuration file of another exporter to this one's format. Throws Error with the
  /// position if the file cannot be read. Null if the exporter imports none.
  std::string (*import_config)(const std::string& file) = nullptr;

  /// Set by exporters that count events; see keep_ledgers().
  struct LedgerKeeping {
    std::shared_ptr<Ledgers> (*open)(const std::string& state_dir);
    Collector (*make_collector)(std::shared_ptr<const Ledgers> ledgers);
    std::vector<MetricView> metrics;
  };
  std::optional<LedgerKeeping> ledgers;
};

/// Declares the exporter's sources and the collectors that read each of them.
template <class Source>
void watch(App& app, const SourceKind<Source>& kind,
           std::span<const Module<Source>* const> modules) {
  app.sources = {kind.key,
                 kind.label,
                 kind.more_keys,
                 kind.flags,
                 kind.needed_flag,
                 [make = kind.make](const SourceInputs& in) {
                   return std::static_pointer_cast<void>(make(in));
                 },
                 kind.at_once,
                 {},
                 kind.means_down,
                 {},
                 {}};
  if (kind.describe != nullptr) {
    app.sources.describe = [describe = kind.describe](const std::shared_ptr<void>& source) {
      return describe(std::static_pointer_cast<Source>(source));
    };
  }
  if (kind.check != nullptr) {
    app.sources.check = [check = kind.check](void* source,
                                             std::span<const std::string_view> collectors,
                                             const Deadline& deadline) {
      return check(*static_cast<Source*>(source), collectors, deadline);
    };
  }
  for (const auto& report : kind.reports) {
    app.sources.reports.push_back(
        {report.flag, report.help,
         [write = report.write](void* source, const ReportInputs& inputs) {
           return write(*static_cast<Source*>(source), inputs);
         },
         report.takes, report.asks_source});
  }
  for (const auto* module : modules) app.modules.emplace_back(*module);
}

/// Runs the exporter: flags, log, configuration, signals, web server. The process's exit code: 0
/// after SIGTERM or SIGINT, 1 after an error, which it has logged.
int run(const App& app, int argc, char** argv);

}  // namespace exporter
