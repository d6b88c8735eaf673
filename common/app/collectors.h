#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/app.h"
#include "common/collect/outcomes.h"

namespace exporter {

/// A collector that --collector.<name> enables and disables.
struct CollectorEntry {
  std::string_view name;
  bool enabled;          ///< by default
  Clock::duration asks;  ///< see Every
  std::vector<MetricView> metrics;
};

/// All collectors of the exporter, including the library's.
std::vector<CollectorEntry> collectors_of(const App& app);

/// What the page reports of the exporter's collectors.
Outcomes::Options outcomes_of(const App& app);

/// All flags with a value, except the library's own (--config.file, --web.*).
struct AppFlags {
  explicit AppFlags(const App& app);
  AppFlags(const AppFlags&) = delete;
  AppFlags& operator=(const AppFlags&) = delete;

  /// Adds the flags that enable and disable collectors; `defaults` is whether those enabled by
  /// default are.
  void add_switches(const App& app, bool defaults);

  std::vector<Flag> flags;

 private:
  std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

  std::deque<std::string> texts_;  // flags named after collectors
};

}  // namespace exporter
