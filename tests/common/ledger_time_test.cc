#include <catch2/catch.hpp>

#include "tests/common/ledger_fixture.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

TEST_CASE("what happened before the first start does not count, but for a stated past") {
  Book book;
  book.report("a", kStart - 1us, 1);
  CHECK(book.shown() == "nothing");
  book.report("a", kStart, 1);
  CHECK(book.shown() == "1");
  CHECK(book.ledger.figures().late == 0);

  Book with_past({.past = 24h * 365});
  with_past.report("a", kStart - 24h * 365, 1);
  with_past.report("b", kStart - 24h * 365 - 1us, 1);
  CHECK(with_past.shown() == "1");
}

TEST_CASE("a ledger that was made while the clock was ahead begins when it is right again") {
  Book book;
  const auto right = kStart - 24h * 365;
  book.report("a", right - 1us, 1, right);
  book.report("b", right, 1, right);
  CHECK(book.shown() == "1");
  CHECK(book.ledger.figures().started == right);
  book.report("c", right - 1us, 1, right - 1h);  // now it counts, so that it stays
  CHECK(book.shown() == "1");
  CHECK(book.ledger.figures().started == right);
}

TEST_CASE("an event within the allowed lateness counts once, and one beyond it not at all") {
  Book book({.allowed_lateness = 16h});
  const auto later = kStart + 100h;
  book.report("a", kStart + 84h, 1, later);
  book.report("newest", later, 0, later);  // folds what is older than 16 hours
  book.report("at the line", kStart + 84h, 1, later);
  book.report("a", kStart + 84h, 3, later);
  CHECK(book.shown() == "4");
  CHECK(book.ledger.figures().open_events == 3);
  book.report("beyond", kStart + 83h, 1, later);
  CHECK(book.shown() == "4");
  CHECK(book.ledger.figures().late == 1);

  book.report("newest of all", kStart + 101h, 0);  // folds both
  CHECK(book.ledger.figures().open_events == 2);
  book.report("a", kStart + 84h, 9, later);
  CHECK(book.shown() == "4");
  CHECK(book.ledger.figures().late == 2);
}

TEST_CASE("neither time that passes nor a time ahead of the clock makes an event late") {
  Book book({.allowed_lateness = 16h});
  book.report("a", kStart, 1, kStart + 24h * 365);
  book.report("b", kStart + 24h * 365 * 100, 1, kStart + 24h * 365);
  book.report("c", kStart, 1, kStart + 24h * 366);
  CHECK(book.shown() == "3");
  CHECK(book.ledger.figures().late == 0);
  CHECK(book.ledger.figures().newest == kStart);
  book.report("d", kStart + 5min, 1, kStart);  // the clocks differ a little
  CHECK(book.ledger.figures().newest == kStart + 5min);
  book.report("e", kStart + 5min + 1us, 1, kStart);
  CHECK(book.ledger.figures().newest == kStart + 5min);
}

TEST_CASE("series of which nothing happened for the retention are dropped") {
  Book book({.allowed_lateness = 16h, .retention = 240h});
  const auto report = [&](const char* state, Ledger::Time when) {
    auto run = book.ledger.begin(soon(), when);
    run.record(kTasks, {state, when}, 1, state, "main");
    run.commit();
  };
  report("old", kStart);
  report("new", kStart + 240h);
  CHECK(book.ledger.figures().series == 2);
  report("third", kStart + 241h);
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"new\",queue=\"main\"} 1\n"
                   "test_tasks_total{state=\"third\",queue=\"main\"} 1\n"));
}

TEST_CASE("beyond the most series or events, records are left out and counted") {
  Book book({.max_series = 2, .max_open_events = 3});
  auto run = book.ledger.begin(soon(), kStart);
  const auto record = [&](const char* event, const char* state) {
    run.record(kTasks, {event, kStart}, 1, state, "main");
  };
  record("a", "one");
  record("a", "two");
  record("a", "three");  // a third series
  record("b", "one");
  record("c", "one");  // a fourth event
  record("a", "one");
  run.commit();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"one\",queue=\"main\"} 2\n"
                   "test_tasks_total{state=\"two\",queue=\"main\"} 1\n"));
  CHECK(book.ledger.figures().dropped == 2);
}
