#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

namespace state_fixture {

using namespace exporter;
using namespace std::chrono_literals;

inline constexpr auto kTasks = counter("test_tasks_total", "Tasks.", "state");
using fixture::kStart;
inline const Ledger::Time kLater = kStart + 1h;

/// A directory for a ledger named "test".
struct StateDirectory {
  std::unique_ptr<Ledger> open(Ledger::Time now = kLater) const {
    return std::make_unique<Ledger>("test", directory.path(), std::vector<Migration>{}, now);
  }
  std::string file() const { return directory.path() / "test.ledger"; }
  /// The error of opening it, without the directory's name.
  std::string error_of_open(Reason reason) const {
    auto text = error_of(reason, [&] { open(); });
    const auto name = directory.path().string();
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
      text.replace(at, name.size(), "DIRECTORY");
    }
    return text;
  }
  /// The names of the entries, sorted, with a blank after each.
  std::string names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(directory.path())) {
      all.push_back(entry.path().filename());
    }
    std::sort(all.begin(), all.end());
    std::string text;
    for (const auto& name : all) text.append(name).append(" ");
    return text;
  }

  TemporaryDirectory directory;
};

inline constexpr const char* kAside = "test.ledger test.ledger.unusable-2019-12-20T01:00:00.000Z ";

inline Ledger::Run begin(Ledger& ledger, Ledger::Time now = kStart) {
  return ledger.begin(fixture::soon(), {}, now);
}

inline void report(Ledger& ledger, std::string_view event, double value) {
  auto run = begin(ledger);
  run.record(kTasks, {event, kStart}, value, "ok");
  run.set_metadata("position", "after " + std::string(event));
  run.commit();
}

inline std::string page(const Ledger& ledger) { return fixture::page(ledger, kTasks); }

inline std::string page_of(const std::string& value) {
  return "# HELP test_tasks_total Tasks.\n# TYPE test_tasks_total counter\n"
         "test_tasks_total{state=\"ok\"} " +
         value + "\n";
}

/// Checks that the ledger started again at kLater and works.
inline void check_fresh(Ledger& ledger, bool discarded) {
  CHECK(page(ledger).empty());
  {
    auto run = begin(ledger, kLater);
    CHECK(page(ledger).empty());
    CHECK(run.metadata("position").empty());
    run.record(kTasks, {"new", kLater}, 1, "ok");
    run.commit();
  }
  CHECK(ledger.figures()->started == kLater);
  CHECK(ledger.has_discarded_state() == discarded);
  CHECK(page(ledger) == page_of("1"));
}

/// Writes a ledger with more than one page of events and of series, and closes it.
inline void fill(const StateDirectory& state) {
  const auto ledger = state.open(kStart);
  auto run = begin(*ledger);
  for (int i = 0; i < 500; ++i) {
    run.record(kTasks, {"event " + std::to_string(i), kStart}, 1, "state " + std::to_string(i));
    run.set_metadata("key " + std::to_string(i), "text");
  }
  run.commit();
}

inline void execute(const std::string& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, nullptr);
  sqlite3_close(database);
  REQUIRE(code == SQLITE_OK);
}

}  // namespace state_fixture
