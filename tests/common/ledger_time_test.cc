// What moves the watermark, and what wrong clocks do.

#include <catch2/catch.hpp>

#include "tests/common/ledger_fixture.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

constexpr auto kDay = 24h;

/// Reports an event each hour, by a clock and a source that may be ahead of true time.
struct Hours {
  Hours(Book& of, Ledger::Time start) : book(of), truth(start) {}

  void pass(int count, std::chrono::microseconds ours = {}, std::chrono::microseconds source = {}) {
    for (int i = 0; i < count; ++i) {
      truth += 1h;
      book.report("hour " + std::to_string(++reported), truth + source, 1, truth + ours);
    }
  }

  Book& book;
  Ledger::Time truth;
  int reported = 0;
};

}  // namespace

TEST_CASE("what happened before the first start does not count, but for a stated past") {
  Book book;
  book.report("a", kStart - 1us, 1);
  CHECK(book.shown() == "nothing");
  book.report("a", kStart, 1);
  CHECK(book.shown() == "1");
  CHECK(book.figures().late == 0);

  Book with_past({.past = kDay * 365});
  with_past.report("a", kStart - kDay * 365, 1);
  with_past.report("b", kStart - kDay * 365 - 1us, 1);
  CHECK(with_past.shown() == "1");
}

TEST_CASE("the past of the first run that counts is the ledger's") {
  Book book;
  { book.begin().commit(); }
  book.options.past = 10h;
  book.report("a", kStart - 10h, 1);
  CHECK(book.shown() == "1");
  book.options.past = 20h;
  book.report("b", kStart - 11h, 1);
  CHECK(book.shown() == "1");
}

TEST_CASE("an event within the allowed lateness counts once, and one beyond it not at all") {
  Book book({.allowed_lateness = 16h});
  const auto later = kStart + 100h;
  book.report("a", kStart + 84h, 1, later);
  book.report("newest", later, 0, later);  // compacts what is older than 16 hours
  book.report("at the watermark", kStart + 84h, 1, later);
  book.report("a", kStart + 84h, 3, later);
  CHECK(book.shown() == "4");
  CHECK(book.figures().open_events == 3);
  CHECK(book.figures().watermark == kStart + 84h);
  book.report("beyond", kStart + 83h, 1, later);
  CHECK(book.shown() == "4");
  CHECK(book.figures().late == 1);

  book.report("newest of all", kStart + 101h, 0);  // compacts both
  CHECK(book.figures().open_events == 2);
  book.report("a", kStart + 84h, 9, later);
  CHECK(book.shown() == "4");
  CHECK(book.figures().late == 2);
}

TEST_CASE("neither time that passes nor a time ahead of the clock makes an event late") {
  Book book({.allowed_lateness = 16h});
  book.report("a", kStart, 1, kStart + kDay * 365);
  book.report("b", kStart + kDay * 365 * 100, 1, kStart + kDay * 365);
  book.report("c", kStart, 1, kStart + kDay * 366);
  CHECK(book.shown() == "3");
  CHECK(book.figures().late == 0);
  CHECK(book.figures().ahead == 1);
  CHECK(book.figures().newest == kStart);
  book.report("d", kStart + 5min, 1, kStart);  // the clocks differ a little
  CHECK(book.figures().newest == kStart + 5min);
  book.report("e", kStart + 5min + 1us, 1, kStart);
  CHECK(book.figures().newest == kStart + 5min);
  CHECK(book.figures().ahead == 2);
}

TEST_CASE("an event that was ahead is the newest when the clock has reached it") {
  Book book({.allowed_lateness = 16h});
  book.report("a", kStart + 10h, 1, kStart);
  CHECK(book.figures().newest == kStart);
  book.begin(kStart + 10h - 5min - 1us).commit();
  CHECK(book.figures().newest == kStart);
  book.begin(kStart + 10h - 5min).commit();
  CHECK(book.figures().newest == kStart + 10h);
}

TEST_CASE("a jump of the newest event compacts nothing before it has gone on as far") {
  Book book({.allowed_lateness = 16h});
  book.report("before", kStart + 1h, 1);
  book.report("after a long pause", kStart + 100h, 1);
  CHECK(book.figures().open_events == 2);
  book.report("before", kStart + 1h, 3, kStart + 100h);  // still corrected
  CHECK(book.shown() == "4");
  book.report("15 h on", kStart + 115h, 0);
  CHECK(book.figures().open_events == 3);
  book.report("16 h on", kStart + 116h, 0);
  CHECK(book.figures().open_events == 3);
  CHECK(book.figures().watermark == kStart + 100h);
}

TEST_CASE("a source that reports seldom is compacted one pause behind") {
  Book book({.allowed_lateness = 16h});
  for (int week = 1; week <= 20; ++week) {
    const auto when = kStart + kDay * 7 * week;
    book.report("week " + std::to_string(week), when, 1);
    CHECK(book.figures().open_events == std::min(week, 2));
  }
  CHECK(book.shown() == "20");
}

TEST_CASE("an hour of clocks that are far ahead loses nothing") {
  const auto error = GENERATE(as<std::chrono::hours>(), 3h, kDay, kDay * 3, kDay * 400);
  Book book({.allowed_lateness = 16h});
  Hours hours(book, kStart);
  hours.pass(40);
  hours.pass(1, error, error);
  book.report("hour 40", kStart + 40h, 2, hours.truth);  // corrected after the clock came back
  hours.pass(1);
  book.report("hour 30", kStart + 30h, 2, hours.truth);
  hours.pass(24 * 30);
  CHECK(book.shown() == std::to_string(40 + 1 + 1 + 24 * 30 + 2));
  CHECK(book.figures().late == 0);
  CHECK(book.figures().open_events <= 20);
}

TEST_CASE("a run knows the newest event that is not ahead of its clock") {
  Book book;
  CHECK(book.begin().newest() == kStart);
  book.report("a", kStart + 1h, 1);
  book.report("ahead", kStart + 400 * kDay, 1, kStart + 400 * kDay);
  book.report("b", kStart + 2h, 1, kStart + 400 * kDay);
  CHECK(book.begin(kStart + 400 * kDay).newest() == kStart + 400 * kDay);
  CHECK(book.begin(kStart + 3h).newest() == kStart + 2h);
  CHECK(book.begin(kStart + 1h).newest() == kStart + 1h);
}

TEST_CASE("clocks that are far ahead for days do not freeze the counters after them") {
  Book book({.allowed_lateness = 16h, .retention = kDay * 90});
  Hours hours(book, kStart);
  book.report("another series", kStart, 7, kStart, "quiet");
  hours.pass(40);
  hours.pass(72, kDay * 400, kDay * 400);
  const auto before = book.figures();
  hours.pass(24 * 30);
  const auto after = book.figures();
  CHECK(after.series == 2);
  CHECK(after.newest == hours.truth);
  CHECK(hours.truth - after.watermark < 18h);
  CHECK(before.late == 0);
  CHECK(after.late == 1);  // when the clock came back
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} " +
                   std::to_string(40 + 72 + 24 * 30 - 1) +
                   "\ntest_tasks_total{state=\"quiet\",queue=\"main\"} 7\n"));
}

TEST_CASE("after days of clocks ahead, what is reported of the time before is late and counted") {
  Book book({.allowed_lateness = 16h});
  Hours hours(book, kStart);
  hours.pass(40);
  hours.pass(72, kDay * 400, kDay * 400);
  book.report("of the time before", hours.truth - 1h, 1, hours.truth);
  CHECK(book.figures().late == 1);
  CHECK(book.figures().watermark == hours.truth + Ledger::kMaxAhead);
  // What was compacted while the clock was ahead does not count again.
  book.report("hour 41", kStart + 41h + kDay * 400, 1, hours.truth);
  CHECK(book.figures().late == 2);
  CHECK(book.shown() == "112");
  book.report("from now on", hours.truth + 6min, 1, hours.truth + 6min);
  CHECK(book.shown() == "113");
}

TEST_CASE("clocks that go ahead for ever are the clocks") {
  Book book({.allowed_lateness = 16h});
  Hours hours(book, kStart);
  hours.pass(40);
  hours.pass(24 * 30, kDay * 400, kDay * 400);
  CHECK(book.shown() == std::to_string(40 + 24 * 30));
  CHECK(book.figures().late == 0);
  CHECK(book.figures().open_events < 20);
}

TEST_CASE("a clock that is behind for an hour counts nothing twice") {
  Book book({.allowed_lateness = 16h});
  Hours hours(book, kStart);
  hours.pass(24 * 30);
  const auto shown = book.shown();
  hours.pass(1, -kDay * 365);
  for (int hour = 1; hour <= hours.reported; ++hour) {  // all of it once more
    book.report("hour " + std::to_string(hour), kStart + std::chrono::hours(hour), 1,
                hours.truth - kDay * 365);
  }
  hours.pass(1);
  for (int hour = 1; hour <= hours.reported; ++hour) {
    book.report("hour " + std::to_string(hour), kStart + std::chrono::hours(hour), 1, hours.truth);
  }
  CHECK(book.shown() == std::to_string(24 * 30 + 2));
  CHECK(shown == std::to_string(24 * 30));
}

TEST_CASE("a clock that is behind for ever does not freeze the counters") {
  Book book({.allowed_lateness = 16h, .max_open_events = 100});
  Hours hours(book, kStart);
  hours.pass(40);
  hours.pass(24 * 30, -kDay * 365);
  CHECK(book.shown() == std::to_string(40 + 24 * 30));
  CHECK(book.figures().ahead == 24 * 30);
}

TEST_CASE("a source that is always ahead is compacted like any other") {
  const auto error = GENERATE(as<std::chrono::hours>(), 1h, 8h, 14h);
  Book book({.allowed_lateness = 2h});
  Hours hours(book, kStart);
  hours.pass(24 * 60, 0h, error);
  CHECK(book.shown() == std::to_string(24 * 60));
  CHECK(book.figures().open_events <= error / 1h + 4);
  CHECK(book.figures().ahead == 24 * 60);
  CHECK(book.figures().dropped == 0);
}

TEST_CASE("a source that is years ahead for ever goes on when its ledger is full") {
  Book book({.allowed_lateness = 2h, .max_open_events = 100});
  Hours hours(book, kStart);
  hours.pass(24 * 60, 0h, kDay * 365 * 4);
  CHECK(book.shown() == std::to_string(24 * 60));
  CHECK(book.figures().dropped == 0);
  CHECK(book.figures().compacted_early > 24 * 50);
  // Compacted events do not count again. When the source's clock is corrected, counting goes on.
  book.report("hour 1000", kStart + 1000h + kDay * 365 * 4, 1, hours.truth);
  CHECK(book.figures().late == 1);
  hours.pass(24);
  CHECK(book.shown() == std::to_string(24 * 61));
}

TEST_CASE("a ledger that was created while the clock was ahead counts when it is right again") {
  Book book;
  const auto right = kStart - kDay * 365;
  book.report("a", right - 1us, 1, right);
  book.report("b", right, 1, right);
  CHECK(book.shown() == "1");
  CHECK(book.figures().started == right);

  Book counted;
  Hours ahead(counted, right);
  ahead.pass(5, kDay * 365, kDay * 365);  // has counted while the clock was wrong
  ahead.pass(100);
  CHECK(counted.shown() == "104");
  CHECK(counted.figures().late == 1);  // when the clock was put right
}

TEST_CASE("series whose last event is older than the retention are dropped") {
  Book book({.allowed_lateness = 16h, .retention = 240h});
  const auto report = [&](const char* state, Ledger::Time when) {
    book.report(state, when, 1, when, state);
  };
  report("old", kStart);
  report("new", kStart + 230h);
  report("newer", kStart + 240h);
  report("newest", kStart + 241h);
  CHECK(book.figures().series == 4);  // the pause is not over
  report("late", kStart + 247h);
  CHECK(book.figures().series == 4);
  Hours hours(book, kStart + 247h);
  hours.pass(2);
  CHECK(page(book.ledger, kTasks).find("state=\"old\"") == std::string::npos);
  CHECK(book.figures().series == 5);
}

TEST_CASE("options are of a run, and the next may have others") {
  Book book({.allowed_lateness = 16h});
  Hours hours(book, kStart);
  hours.pass(40);
  CHECK(book.figures().open_events == 17);
  book.options.allowed_lateness = 2h;
  hours.pass(1);
  CHECK(book.figures().open_events == 3);
  book.options.allowed_lateness = 16h;  // compacted events stay compacted
  book.report("hour 30", kStart + 30h, 9, hours.truth);
  CHECK(book.figures().late == 1);
  hours.pass(40);
  CHECK(book.figures().open_events == 17);
}
