#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "common/ledger/ledger.h"

namespace fixture {

using namespace exporter;

inline constexpr auto kTasks = counter("test_tasks_total", "Tasks.", "state", "queue");

inline const Ledger::Time kStart{std::chrono::hours(24 * 365 * 50)};

inline Deadline soon() { return Deadline::in(std::chrono::minutes(1)); }

template <class... Bounds>
std::string page(const Ledger& ledger, const MetricView& metric, const Bounds&... bounds) {
  Samples samples;
  ledger.add_to(samples, metric, bounds...);
  std::string text;
  samples.render(Format::text, text);
  return text;
}

inline std::string tasks_page(const std::string& lines) {
  return "# HELP test_tasks_total Tasks.\n# TYPE test_tasks_total counter\n" + lines;
}

/// An in-memory ledger with a shortcut for committing one report.
struct Book {
  explicit Book(const Ledger::Options& of_runs = {})
      : ledger("test", {}, {}, kStart), options(of_runs) {}

  Ledger::Run begin(Ledger::Time now = kStart) { return ledger.begin(soon(), options, now); }
  void report(std::string_view event, Ledger::Time when, double value) {
    report(event, when, value, std::max(kStart, when));
  }
  void report(std::string_view event, Ledger::Time when, double value, Ledger::Time now,
              std::string_view state = "ok") {
    auto run = begin(now);
    run.record(kTasks, {event, when}, value, state, "main");
    run.commit();
  }
  Ledger::Figures figures() const { return ledger.figures().value(); }
  /// The value of the last series on the page.
  std::string shown() const {
    const auto text = page(ledger, kTasks);
    const auto blank = text.rfind(' ');
    return text.empty() ? "nothing" : text.substr(blank + 1, text.size() - blank - 2);
  }

  Ledger ledger;
  Ledger::Options options;
};

}  // namespace fixture
