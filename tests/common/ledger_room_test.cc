// A full ledger goes on counting.

#include <catch2/catch.hpp>
#include <ctime>

#include "tests/common/ledger_fixture.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

/// Reports 150 events in one run, each in a series of its own or all in one.
void burst(Book& book, bool own_series) {
  auto run = book.begin(kStart);
  for (int i = 0; i < 150; ++i) {
    const auto id = "burst " + std::to_string(i);
    run.record(kTasks, {id, kStart}, 1, own_series ? id : "ok", "main");
  }
  run.commit();
}

}  // namespace

TEST_CASE("a ledger with as many open events as it may goes on with the next ones") {
  Book book({.allowed_lateness = 1h, .max_open_events = 100});
  burst(book, false);
  CHECK(book.figures().dropped == 50);
  for (int hour = 1; hour <= 720; ++hour) {
    const auto when = kStart + std::chrono::hours(hour);
    book.report("hour " + std::to_string(hour), when, 1);
  }
  CHECK(book.shown() == "820");
  CHECK(book.figures().dropped == 50);
  CHECK(book.figures().open_events <= 3);
}

TEST_CASE("a full ledger compacts its oldest events for newer ones, and says so") {
  Book book({.allowed_lateness = 48h, .max_open_events = 32});
  for (int minute = 0; minute < 100; ++minute) {
    const auto when = kStart + std::chrono::minutes(minute);
    book.report("minute " + std::to_string(minute), when, 1);
  }
  CHECK(book.shown() == "100");
  const auto figures = book.figures();
  CHECK(figures.dropped == 0);
  CHECK(figures.open_events + figures.compacted_early == 100);
  CHECK(figures.open_events > 29);
  CHECK(figures.watermark == kStart + std::chrono::minutes(figures.compacted_early - 1) + 1us);
  book.report("minute 3", kStart + 3min, 9, kStart + 100min);  // may be a repetition
  CHECK(book.shown() == "100");
  CHECK(book.figures().late == 1);
  book.report("minute 99", kStart + 99min, 2, kStart + 100min);
  CHECK(book.shown() == "101");
}

TEST_CASE("an event that is as old as the oldest of a full ledger is dropped") {
  Book book({.allowed_lateness = 48h, .max_open_events = 3});
  for (const auto* event : {"a", "b", "c"}) book.report(event, kStart + 1h, 1);
  book.report("d", kStart + 1h, 1);
  book.report("e", kStart, 1, kStart + 1h);
  CHECK(book.shown() == "3");
  CHECK(book.figures().dropped == 2);
  book.report("a", kStart + 1h, 5);  // known ones are corrected
  CHECK(book.shown() == "7");
  book.report("f", kStart + 2h, 1);
  CHECK(book.shown() == "8");
  CHECK(book.figures().compacted_early == 3);
}

TEST_CASE("events that are far ahead do not fill a ledger for good") {
  Book book({.allowed_lateness = 2h, .max_open_events = 100});
  const auto never = Ledger::Time(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
  for (int minute = 0; minute < 1000; ++minute) {
    const auto now = kStart + std::chrono::minutes(minute);
    const auto number = std::to_string(minute);
    auto run = book.begin(now);
    run.record(kTasks, {"never " + number, never}, 1, "never", "main");
    run.record(kTasks, {"now " + number, now}, 1, "ok", "main");
    run.commit();
  }
  CHECK(page(book.ledger, kTasks).find("{state=\"ok\",queue=\"main\"} 1000\n") !=
        std::string::npos);
  const auto figures = book.figures();
  CHECK(figures.ahead == 1000);
  CHECK(figures.dropped < 10);  // events that are ahead
  CHECK(figures.compacted_early > 0);
  CHECK(figures.open_events <= 100);
}

TEST_CASE("a full ledger drops older events as fast as it counts others") {
  constexpr int kMost = 20'000;
  Book book({.allowed_lateness = 48h, .past = 48h, .max_open_events = kMost});
  const auto time_of = [&](const char* name, Ledger::Time newest, int count) {
    const auto start = std::clock();
    auto run = book.begin(kStart);
    for (int i = 0; i < count; ++i) {
      run.record(kTasks, {name + std::to_string(i), newest - std::chrono::seconds(i)}, 1, "", "");
    }
    run.commit();
    return std::clock() - start;
  };
  const auto counting = time_of("new", kStart, kMost);
  const auto dropping = time_of("old", kStart - 24h, kMost / 4);
  CHECK(book.figures().dropped == kMost / 4);
  CHECK(dropping < counting);
}

TEST_CASE("a ledger without room for any event counts that it drops them") {
  Book book({.max_open_events = 0});
  book.report("a", kStart + 1h, 1);
  CHECK(book.shown() == "nothing");
  CHECK(book.figures().dropped == 1);
  CHECK(book.figures().newest == kStart + 1h);
}

TEST_CASE("what a run that is given up has compacted is still there") {
  Book book({.allowed_lateness = 48h, .max_open_events = 3});
  for (const auto* event : {"a", "b", "c"}) book.report(event, kStart + 1h, 1);
  {
    auto run = book.begin(kStart + 3h);
    run.record(kTasks, {"d", kStart + 3h}, 1, "ok", "main");
  }
  CHECK(book.figures().open_events == 3);
  CHECK(book.figures().compacted_early == 0);
  book.report("a", kStart + 1h, 5);
  CHECK(book.shown() == "7");
}

TEST_CASE("a ledger with as many series as it may gets room when the old ones are dropped") {
  Book book({.allowed_lateness = 1h, .retention = 24h, .max_series = 100});
  burst(book, true);
  CHECK(book.figures().series == 100);
  CHECK(book.figures().dropped == 50);
  for (int hour = 1; hour <= 720; ++hour) {
    const auto when = kStart + std::chrono::hours(hour);
    book.report("hour " + std::to_string(hour), when, 1, when,
                "fixed label " + std::to_string(hour % 5));
  }
  CHECK(book.figures().series == 5);
  CHECK(book.figures().dropped < 50 + 30);  // those of the first day
  CHECK(book.figures().newest == kStart + 720h);
}

TEST_CASE("an event that would move to a series for which there is no room stays where it is") {
  Book book({.max_series = 1});
  book.report("a", kStart, 1);
  book.report("a", kStart, 5, kStart, "failed");
  auto run = book.begin();
  run.ensure(kTasks, "failed", "main");
  run.commit();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 1\n"));
  CHECK(book.figures().dropped == 2);
}
