// A window that is read again is replaced.

#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

constexpr auto kOther = counter("test_other_total", "Others.");
constexpr auto kSeconds = histogram("test_seconds", "Durations.", "queue");
constexpr std::array<double, 2> kBounds = {1, 10};

void report(Ledger::Run& run, const char* event, Ledger::Time when, double value) {
  run.record(kTasks, {event, when}, value, "ok", "main");
}

}  // namespace

TEST_CASE("events of a window that are not reported again count nothing, until they return") {
  Book book;
  {
    auto run = book.begin(kStart + 5h);
    for (const auto* event : {"a", "b", "c"}) report(run, event, kStart + 1h, 1);
    report(run, "at the end", kStart + 2h, 10);
    report(run, "before", kStart + 1h - 1us, 100);
    run.commit();
  }
  {
    auto run = book.begin(kStart + 5h);
    run.replace_window(kStart + 1h, kStart + 2h);
    report(run, "a", kStart + 1h, 1);  // the same
    report(run, "b", kStart + 1h, 3);  // corrected
    report(run, "d", kStart + 1h, 1);  // new
    run.commit();
  }
  CHECK(book.shown() == "115");  // 1 + 3 + 1 + 10 + 100
  CHECK(book.figures().open_events == 6);
  CHECK(book.figures().corrections == 2);
  {
    auto run = book.begin(kStart + 5h);
    run.replace_window(kStart + 1h, kStart + 2h);
    report(run, "c", kStart + 1h, 7);  // returns
    run.commit();
  }
  CHECK(book.figures().corrections == 6);
  book.report("more", kStart + 3h, 2, kStart + 5h);
  CHECK(book.shown() == "119");  // 7 + 10 + 100 + 2
  CHECK(book.figures().open_events == 7);
}

TEST_CASE("a window that is replaced twice by the same reports changes once") {
  Book book;
  book.report("a", kStart, 1);
  book.report("b", kStart, 1);
  for (int i = 0; i < 2; ++i) {
    auto run = book.begin();
    run.replace_window(kStart, kStart + 1h);
    report(run, "a", kStart, 1);
    run.commit();
    CHECK(book.figures().corrections == 1);
  }
}

TEST_CASE("a window of some families leaves the others alone") {
  Book book;
  const auto record_all = [&](Ledger::Run& run) {
    report(run, "a", kStart, 1);
    run.record(kOther, {"a", kStart}, 1);
    run.observe(kSeconds, kBounds, {"a", kStart}, 3, "main");
  };
  {
    auto run = book.begin();
    record_all(run);
    run.commit();
  }
  const std::array<MetricView, 2> families = {kTasks, kSeconds};
  {
    auto run = book.begin();
    run.replace_window(kStart, kStart + 1h, families);
    run.commit();
  }
  CHECK(book.figures().corrections == 2);
  {
    auto run = book.begin();
    constexpr auto kUnknown = counter("test_unknown_total", "Unknown.");
    const std::array<MetricView, 1> unknown = {kUnknown};
    run.replace_window(kStart, kStart + 1h, unknown);
    run.commit();
  }
  CHECK(book.figures().corrections == 2);
  {
    auto run = book.begin();
    run.record(kTasks, {"b", kStart}, 1, "ok", "main");
    run.record(kOther, {"b", kStart}, 1);
    run.observe(kSeconds, kBounds, {"b", kStart}, 3, "main");
    run.commit();
  }
  CHECK(book.shown() == "1");
  CHECK(page(book.ledger, kOther).ends_with(" 2\n"));
  CHECK(page(book.ledger, kSeconds, kBounds).ends_with("_count{queue=\"main\"} 1\n"));
}

TEST_CASE("an event that moves within a window is in its new series alone") {
  Book book;
  const auto in_state = [&](const char* state) {
    auto run = book.begin();
    run.replace_window(kStart, kStart + 1h);
    run.record(kTasks, {"a", kStart}, 1, state, "main");
    run.commit();
  };
  in_state("running");
  in_state("ok");
  book.report("b", kStart, 1, kStart, "running");
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 1\n"
                   "test_tasks_total{state=\"running\",queue=\"main\"} 1\n"));
}

TEST_CASE("an event of a window that cannot move for want of room stays where it is") {
  Book book({.max_series = 1});
  book.report("a", kStart + 1h, 10, kStart + 5h);
  for (int i = 0; i < 2; ++i) {
    auto run = book.begin(kStart + 5h);
    run.replace_window(kStart, kStart + 2h);
    run.record(kTasks, {"a", kStart + 1h}, 10, "failed", "main");
    run.commit();
  }
  book.report("b", kStart + 3h, 1, kStart + 5h);
  CHECK(book.shown() == "11");
  CHECK(book.figures().dropped == 2);
  CHECK(book.figures().corrections == 0);
}

TEST_CASE("an event of a window whose row is refused stays as it is") {
  Book book;
  {
    auto run = book.begin(kStart + 2h);
    report(run, "a", kStart, 1);
    run.observe(kSeconds, kBounds, {"a", kStart}, 5, "main");
    run.commit();
  }
  {
    auto run = book.begin(kStart + 2h);
    run.replace_window(kStart, kStart + 1h);
    const std::array<std::uint64_t, 3> counts = {UINT64_MAX, 0, 0};
    error_of(Reason::decode, [&] { report(run, "a", kStart, -1); });
    error_of(Reason::decode, [&] { report(run, "never seen", kStart, -1); });
    error_of(Reason::decode, [&] {
      run.observe_counts(kSeconds, kBounds, {"a", kStart}, counts, 1, "main");
    });
    run.commit();
  }
  CHECK(book.figures().corrections == 0);
  book.report("b", kStart, 10);
  CHECK(book.shown() == "11");
}

TEST_CASE("what lies before the watermark stays when its window is replaced") {
  Book book({.allowed_lateness = 1h});
  book.report("old", kStart, 1);
  book.report("new", kStart + 1h, 1);
  book.report("newest", kStart + 2h, 1);
  CHECK(book.figures().watermark == kStart + 1h);
  auto run = book.begin(kStart + 2h);
  run.replace_window(kStart, kStart + 2h);
  run.commit();
  book.report("more", kStart + 2h, 3);
  CHECK(book.shown() == "5");  // old, newest, more
}

TEST_CASE("windows that run backwards or lie apart are what they are") {
  Book book;
  for (const auto hour : {1, 3, 5}) {
    book.report("hour " + std::to_string(hour), kStart + std::chrono::hours(hour), 1);
  }
  auto run = book.begin(kStart + 5h);
  run.replace_window(kStart + 9h, kStart);
  run.replace_window(kStart, kStart + 2h);
  run.replace_window(kStart + 4h, Ledger::Time::max());
  run.commit();
  CHECK(book.figures().corrections == 2);
}

TEST_CASE("a window that comes after a report is refused") {
  Book book;
  auto run = book.begin();
  report(run, "a", kStart, 1);
  CHECK(error_of(Reason::internal, [&] { run.replace_window(kStart, kStart + 1h); }) ==
        "replace_window() comes before what it replaces");
}

TEST_CASE("a window of a run that is given up is not replaced") {
  Book book;
  book.report("a", kStart, 1);
  {
    auto run = book.begin();
    run.replace_window(kStart, kStart + 1h);
  }
  CHECK(book.figures().corrections == 0);
}

// ---- The hourly rows of warehouses for a day: they come late, at first without a name, and are
// corrected. The last nine hours are read every half hour.

namespace {

constexpr auto kCredits = counter("test_credits_total", "Credits.", "warehouse");

/// A version of a row of the source, and when it becomes visible.
struct Version {
  std::chrono::minutes visible;
  int hour;
  std::string warehouse;
  double credits;
};

/// The versions of each row of a day.
std::vector<std::vector<Version>> rows_of_a_day(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto roll = [&](int sides) {
    return static_cast<int>(random() % static_cast<unsigned>(sides));
  };
  std::vector<std::vector<Version>> rows;
  for (int hour = 0; hour < 24; ++hour) {
    for (int warehouse = 0; warehouse < 8; ++warehouse) {
      const auto name = "WH" + std::to_string(warehouse);
      auto credits = roll(6000) / 1000.0;
      std::chrono::minutes visible{60 * (hour + 1) + roll(3 * 60)};
      auto& row = rows.emplace_back();
      if (roll(5) == 0) {
        row.push_back({visible, hour, "", credits});
        visible += std::chrono::minutes(10 + roll(110));
      }
      row.push_back({visible, hour, name, credits});
      if (roll(5) == 0) {
        credits = credits / 2;
        row.push_back({visible + std::chrono::minutes(10 + roll(110)), hour, name, credits});
      }
    }
  }
  return rows;
}

/// Reads a day's rows every half hour for a day and a half. Returns the sum of the counters.
double read_a_day(const std::vector<std::vector<Version>>& rows, bool replace) {
  Book book;
  for (std::chrono::minutes now{30}; now < 36h; now += 30min) {
    const auto from = std::max(0h, std::chrono::floor<std::chrono::hours>(now) - 9h);
    std::map<std::pair<std::string, int>, double> grouped;  // GROUP BY warehouse, hour
    for (const auto& versions : rows) {
      const Version* seen = nullptr;
      for (const auto& version : versions) {
        if (version.visible <= now) seen = &version;
      }
      if (seen == nullptr || std::chrono::hours(seen->hour) < from) continue;
      grouped[{seen->warehouse, seen->hour}] += seen->credits;
    }
    auto run = book.begin(kStart + now);
    if (replace) run.replace_window(kStart + from, kStart + now);
    for (const auto& [key, credits] : grouped) {
      const auto& [warehouse, hour] = key;
      const auto id = warehouse + ' ' + std::to_string(hour);
      run.record(kCredits, {id, kStart + std::chrono::hours(hour)}, credits, warehouse);
    }
    run.commit();
  }
  // Counters do not fall, so growth must make up for all that was taken back.
  auto run = book.begin(kStart + 36h);
  for (int i = 0; i < 9; ++i) {
    const auto warehouse = i == 8 ? std::string() : "WH" + std::to_string(i);
    run.record(kCredits, {"growth " + warehouse, kStart + 36h}, 1000, warehouse);
  }
  run.commit();
  double sum = 0;
  const auto text = page(book.ledger, kCredits);
  for (auto at = text.find("} "); at != std::string::npos; at = text.find("} ", at + 1)) {
    sum += std::stod(text.substr(at + 2));
  }
  return sum - 9 * 1000;
}

}  // namespace

TEST_CASE(
    "a day of late, corrected and renamed rows: recorded alone it is too much, replaced exact") {
  const auto seed = GENERATE(1u, 2u, 3u);
  const auto rows = rows_of_a_day(seed);
  double truth = 0;
  for (const auto& versions : rows) truth += versions.back().credits;
  CHECK(read_a_day(rows, true) == Approx(truth).epsilon(1e-9));
  CHECK(read_a_day(rows, false) > 1.05 * truth);
}
