#include "common/app/collectors.h"

#include <chrono>

#include "common/base/time.h"

namespace exporter {

std::vector<CollectorEntry> collectors_of(const App& app) {
  std::vector<CollectorEntry> all;
  for (const auto& module : app.modules) {
    const auto* every = std::get_if<Every>(&module.schedule);
    all.push_back({module.name, module.enabled, every != nullptr ? every->asks : Clock::duration(),
                   module.metrics});
  }
  if (app.ledgers) all.push_back({"ledger", true, {}, app.ledgers->metrics});
  return all;
}

Outcomes::Options outcomes_of(const App& app) {
  Outcomes::Options options;
  options.source_label = app.sources.label;
  const auto prefix = app.name.substr(0, app.name.find("_exporter"));
  options.up_name = std::string(prefix) + "_up";
  if (app.sources.means_down != nullptr) options.means_down = app.sources.means_down;
  options.node_exporter_names = app.node_exporter_names;
  return options;
}

AppFlags::AppFlags(const App& app) : flags(app.flags) {
  for (const auto& [flag, key] : app.sources.flags) flags.push_back(flag);
  for (const auto& module : app.modules) {
    flags.insert(flags.end(), module.flags.begin(), module.flags.end());
    const auto* every = std::get_if<Every>(&module.schedule);
    if (every == nullptr) continue;
    const auto text = [&](Clock::duration duration) {
      return keep(format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(duration)));
    };
    flags.push_back({keep(interval_flag(module.name)), text(every->interval),
                     every->asks.count() == 0
                         ? "How often the collector runs."
                         : "How often the collector checks whether a statement is due."});
    flags.push_back({keep(timeout_flag(module.name)), text(module.timeout),
                     "How long one run of the collector may take."});
  }
}

void AppFlags::add_switches(const App& app, bool defaults) {
  for (const auto& collector : collectors_of(app)) {
    flags.push_back({keep(enabled_flag(collector.name)),
                     collector.enabled && defaults ? "true" : "false", "", Flag::Kind::boolean});
  }
}

}  // namespace exporter
