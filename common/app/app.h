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

/// What makes one exporter of the suite out of the common library.
struct App {
  std::string_view name;            ///< "host_exporter"
  std::string_view description;     ///< one sentence, for --help and the landing page
  std::string_view default_listen;  ///< ":19100"

  AnySourceKind sources;           ///< see watch()
  std::vector<AnyModule> modules;  ///< see watch()
  /// Collectors that only the exporter has that this one stands in for: turning one off, and asking
  /// for it in a scrape, is accepted; turning it on is refused.
  std::vector<std::string_view> foreign_collectors;
  /// A collector that the configuration file may describe: for the list of metrics.
  struct Described {
    std::string_view name, key;  ///< of the collector, and of the file
    std::vector<MetricView> metrics;
  };
  std::vector<Described> described;
  std::vector<Flag> flags;  ///< besides those of the modules and sources
  /// node_exporter's names too for the build and the runs of collectors, for dashboards made for
  /// it.
  bool node_exporter_names = false;

  /// Of an exporter that reads other exporters' configurations: one such file as a configuration of
  /// its own. Throws Error that says where in the file it cannot be read.
  std::string (*import_config)(const std::string& file) = nullptr;

  /// Of an exporter that counts; see keep_ledgers().
  struct LedgerKeeping {
    std::shared_ptr<Ledgers> (*open)(const std::string& state_dir);
    Collector (*make_collector)(std::shared_ptr<const Ledgers> ledgers);
    std::vector<MetricView> metrics;
  };
  std::optional<LedgerKeeping> ledgers;
};

/// Says what sources the exporter has and which collectors read each of them.
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
