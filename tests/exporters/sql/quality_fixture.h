#pragma once

#include <map>
#include <string>

#include "common/base/text.h"
#include "tests/exporters/sql/shop.h"

namespace exporter::sql {

/// The result of a collector's run.
struct RunOf {
  std::map<std::string, std::string> values;  ///< by series, without the label source
  std::string failure;                        ///< empty without one

  /// The value of a series, `rows{dataset="orders"}`; "absent" without it.
  std::string operator[](const std::string& series) const {
    const auto found = values.find(series);
    return found == values.end() ? "absent" : found->second;
  }
};

/// Calls `act`, and again if a new period of the clock started meanwhile.
template <class Period, class Do>
void within_one(const Do& act) {
  const auto period = [] { return std::chrono::floor<Period>(Ledger::wall_clock()); };
  while (true) {
    const auto before = period();
    act();
    if (period() == before) return;
  }
}

/// Runs the collector once; `prefix` is removed from the names of metrics.
inline RunOf run_of(const Collector& collector, std::string_view prefix) {
  Samples samples;
  collector.collect(samples, Deadline::in(std::chrono::minutes(5)));
  RunOf run;
  if (samples.failure()) run.failure = samples.failure()->what();
  std::string page;
  samples.render(Format::text, page);
  constexpr std::string_view kSource = "source=\"shop\",";
  for (auto rest = std::string_view(page); !rest.empty();) {
    std::string line(next_part(rest, '\n'));
    if (line.starts_with('#')) continue;
    if (const auto at = line.find(kSource); at != std::string::npos) line.erase(at, kSource.size());
    const auto blank = line.rfind(' ');
    const auto from = line.starts_with(prefix) ? prefix.size() : 0;
    run.values[line.substr(from, blank - from)] = line.substr(blank + 1);
  }
  return run;
}

}  // namespace exporter::sql
