#include "common/ledger/ledger.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <thread>

#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

constexpr auto kSeconds = histogram("test_seconds", "Durations.", "queue");
constexpr std::array<double, 2> kBounds = {1, 10};
constexpr auto kLoad = gauge("test_load", "Load.");

}  // namespace

TEST_CASE("a ledger shows the sums of its events by series") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  run.record(kTasks, {"a", kStart}, 1, "ok", "main");
  run.record(kTasks, {"b", kStart}, 1, "ok", "main");
  run.record(kTasks, {"a", kStart}, 2.5, "failed", "main");
  run.record(kTasks, {"c", kStart}, 1, "ok", "side");
  for (const double seconds : {0.5, 1.0, 1.5, 10.0, 11.0}) {
    run.observe(kSeconds, kBounds, {std::to_string(seconds), kStart}, seconds, "main");
  }
  run.commit();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"failed\",queue=\"main\"} 2.5\n"
                   "test_tasks_total{state=\"ok\",queue=\"main\"} 2\n"
                   "test_tasks_total{state=\"ok\",queue=\"side\"} 1\n"));
  CHECK(page(book.ledger, kSeconds, kBounds) ==
        "# HELP test_seconds Durations.\n# TYPE test_seconds histogram\n"
        "test_seconds_bucket{queue=\"main\",le=\"1.0\"} 2\n"
        "test_seconds_bucket{queue=\"main\",le=\"10.0\"} 4\n"
        "test_seconds_bucket{queue=\"main\",le=\"+Inf\"} 5\n"
        "test_seconds_sum{queue=\"main\"} 24\n"
        "test_seconds_count{queue=\"main\"} 5\n");
}

TEST_CASE("an event counts once, with the value that was reported last") {
  Book book;
  book.report("a", kStart, 5);
  book.report("a", kStart, 5);
  CHECK(book.shown() == "5");
  book.report("a", kStart, 7);
  CHECK(book.shown() == "7");
  CHECK(book.ledger.figures().corrections == 1);
  CHECK(book.ledger.figures().open_events == 1);
}

TEST_CASE("a correction downwards waits until growth has made up for it") {
  Book book;
  book.report("a", kStart, 5);
  book.report("a", kStart, 2);
  CHECK(book.shown() == "5");
  book.report("b", kStart, 2);
  CHECK(book.shown() == "5");
  book.report("c", kStart, 2);
  CHECK(book.shown() == "6");
}

TEST_CASE("what is corrected within a run was never there") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  run.record(kTasks, {"a", kStart}, 9, "ok", "main");
  run.record(kTasks, {"a", kStart}, 2, "ok", "main");
  run.commit();
  CHECK(book.shown() == "2");
}

TEST_CASE("a histogram whose observation moves stays consistent, and no bucket falls") {
  Book book;
  const auto observe = [&](const char* event, double value) {
    auto run = book.ledger.begin(soon(), kStart);
    run.observe(kSeconds, kBounds, {event, kStart}, value, "main");
    run.commit();
  };
  const auto shown = [&](const char* one, const char* ten, const char* all, const char* sum) {
    return std::string("# HELP test_seconds Durations.\n# TYPE test_seconds histogram\n") +
           "test_seconds_bucket{queue=\"main\",le=\"1.0\"} " + one +
           "\ntest_seconds_bucket{queue=\"main\",le=\"10.0\"} " + ten +
           "\ntest_seconds_bucket{queue=\"main\",le=\"+Inf\"} " + all +
           "\ntest_seconds_sum{queue=\"main\"} " + sum + "\ntest_seconds_count{queue=\"main\"} " +
           all + "\n";
  };
  observe("a", 20);
  CHECK(page(book.ledger, kSeconds, kBounds) == shown("0", "0", "1", "20"));
  observe("a", 0.5);  // its old bucket keeps what it has shown
  CHECK(page(book.ledger, kSeconds, kBounds) == shown("1", "1", "2", "20"));
  observe("b", 30);  // which this one makes true
  CHECK(page(book.ledger, kSeconds, kBounds) == shown("1", "1", "2", "30.5"));
}

TEST_CASE("a histogram with other bounds is a family of its own") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  run.observe(kSeconds, kBounds, {"a", kStart}, 3, "main");
  run.commit();
  CHECK(page(book.ledger, kSeconds, std::array<double, 2>{1, 11}).empty());
  CHECK(page(book.ledger, kSeconds, std::array<double, 1>{1}).empty());
}

TEST_CASE("a run that is not committed was never there") {
  Book book;
  book.report("a", kStart, 1);
  const auto before = page(book.ledger, kTasks);
  {
    auto run = book.ledger.begin(soon(), kStart + 1h);
    run.record(kTasks, {"a", kStart}, 5, "ok", "main");
    run.record(kTasks, {"b", kStart}, 5, "new", "main");
    run.set_metadata("position", "further");
    CHECK(run.metadata("position") == "further");
  }
  CHECK(page(book.ledger, kTasks) == before);
  const auto figures = book.ledger.figures();
  CHECK(figures.series == 1);
  CHECK(figures.open_events == 1);
  CHECK(figures.corrections == 0);
  CHECK(figures.written == kStart);
  auto run = book.ledger.begin(soon(), kStart);
  CHECK(run.metadata("position").empty());
  run.record(kTasks, {"b", kStart}, 5, "new", "main");
  run.commit();
  CHECK(book.ledger.figures().open_events == 2);
}

TEST_CASE("the series to keep are shown, the others are not") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  run.record(kTasks, {"a", kStart}, 1, "ok", "main");
  run.record(kTasks, {"b", kStart}, 2, "failed", "main");
  run.observe(kSeconds, kBounds, {"a", kStart}, 3, "main");
  run.commit();
  const auto is_ok = [](std::span<const std::string_view> labels) { return labels[0] == "ok"; };
  Samples samples;
  book.ledger.add_to(samples, kTasks, {}, is_ok);
  book.ledger.add_to(samples, kSeconds, kBounds, is_ok);
  std::string text;
  samples.render(Format::text, text);
  Samples expected;
  expected.add(kTasks, 1, "ok", "main");
  std::string expected_text;
  expected.render(Format::text, expected_text);
  CHECK(text == expected_text);
}

TEST_CASE("notes are found by the beginning of their keys, in order") {
  Book book;
  {
    auto run = book.ledger.begin(soon(), kStart);
    for (const auto* key : {"b/2", "b/10", "a/1", "b", "c/1"}) run.set_metadata(key, key);
    run.set_metadata("b/2", "newer");
    run.set_metadata("b/10", "");
    run.set_metadata("b/3", std::string("\0x", 2));
    run.commit();
  }
  auto next = book.ledger.begin(soon(), kStart);
  std::vector<std::pair<std::string, std::string>> found;
  next.each_metadata(
      "b/", [&](std::string_view key, std::string_view text) { found.emplace_back(key, text); });
  CHECK(found == decltype(found){{"b/2", "newer"}, {"b/3", std::string("\0x", 2)}});
  CHECK(next.metadata("b") == "b");
  CHECK(next.metadata("b/10").empty());
  CHECK(next.metadata("nothing").empty());
}

TEST_CASE("what a run has not committed cannot be seen") {
  Book book;
  book.report("a", kStart, 1);
  auto run = book.ledger.begin(soon(), kStart);
  run.record(kTasks, {"b", kStart}, 1, "ok", "main");
  CHECK(book.shown() == "1");
  std::thread([&] { CHECK(book.ledger.figures().open_events == 1); }).join();
  run.commit();
  CHECK(book.shown() == "2");
}

TEST_CASE("a run ends with its commit") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  run.commit();
  CHECK(error_of(Reason::internal, [&] { run.commit(); }) == "the run of the ledger has ended");
  CHECK(error_of(Reason::internal, [&] {
          run.record(kTasks, {"a", kStart}, 1, "ok", "main");
        }) == "the run of the ledger has ended");
}

TEST_CASE(
    "a row that cannot be counted is refused by the name of its series, and the run goes on") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  const auto value = [&](double number) {
    return error_of(Reason::decode, [&] {
      run.record(kTasks, {"a", kStart}, number, "o\"k", "main");
    });
  };
  const std::string expected =
      "test_tasks_total{state=\"o\\\"k\",queue=\"main\"}: a value that is not from 0 to 1e18";
  CHECK(value(std::nan("")) == expected);
  CHECK(value(std::numeric_limits<double>::infinity()) == expected);
  CHECK(value(-1e-300) == expected);
  CHECK(value(1.0001e18) == expected);
  const std::string long_text(1025, 'x');
  CHECK(error_of(Reason::decode,
                 [&] {
                   run.record(kTasks, {long_text, kStart}, 1, "a", "b");
                 }) ==
        "test_tasks_total{state=\"a\",queue=\"b\"}: the id of an event is longer than 1024 bytes");
  CHECK(error_of(Reason::decode, [&] {
          run.record(kTasks, {"a", kStart}, 1, "a", long_text);
        }) == "test_tasks_total: the value of queue is longer than 1024 bytes");
  CHECK(error_of(Reason::decode, [&] { run.set_metadata("position", std::string(65537, 'x')); }) ==
        "metadata is longer than 65536 bytes");
  run.record(kTasks, {"a", kStart}, 1e18, "ok", "main");
  run.record(kTasks, {"b", kStart}, 0, "ok", "main");
  run.commit();
  CHECK(book.shown() == "1e+18");
  CHECK(book.ledger.figures().series == 1);
}

TEST_CASE("a family of another type, or bounds that do not ascend, are refused") {
  Book book;
  auto run = book.ledger.begin(soon(), kStart);
  const Event event{"a", kStart};
  CHECK(error_of(Reason::internal, [&] { run.record(kLoad, event, 1); }) ==
        "test_load: not a counter");
  CHECK(error_of(Reason::internal, [&] { run.observe(kTasks, kBounds, event, 1, "a", "b"); }) ==
        "test_tasks_total: not a histogram");
  for (const std::vector<double>& bounds :
       std::vector<std::vector<double>>{{}, {0}, {-1}, {1, 1}, {2, 1}, {1, INFINITY}, {NAN}}) {
    CHECK(error_of(Reason::internal, [&] { run.observe(kSeconds, bounds, event, 1, "a"); }) ==
          "test_seconds: the bounds of a histogram are positive and ascend");
  }
}

TEST_CASE("sums do not depend on the order in which events come") {
  const std::vector<double> values = {1e15, 0.1, 0.2, 1e-9, 0.7, 123456.789};
  for (const bool backwards : {false, true}) {
    Book book;
    auto run = book.ledger.begin(soon(), kStart);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto at = backwards ? values.size() - 1 - i : i;
      run.record(kTasks, {std::to_string(at), kStart}, values[at], "ok", "main");
    }
    run.record(kTasks, {"0", kStart}, 0, "ok", "main");
    run.commit();
    CHECK(book.shown() == "123457.789000001");
  }
}

TEST_CASE("one run waits for another, until its deadline or a stop") {
  Book book;
  std::thread second;
  {
    auto first = book.ledger.begin(soon(), kStart);
    CHECK(error_of(Reason::timeout, [&] { book.ledger.begin(Deadline::in(1ms), kStart); }) ==
          "ledger test: another run of it has not ended");
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_of(Reason::cancelled, [&] {
            book.ledger.begin(Deadline::in(1min, stop.get_token()), kStart);
          }) == "cancelled");
    second = std::thread([&] { book.report("b", kStart, 1); });
    first.record(kTasks, {"a", kStart}, 1, "ok", "main");
    first.commit();
  }
  second.join();
  CHECK(book.shown() == "2");
}

TEST_CASE("a page is never half of a run, whoever reads while runs are committed") {
  Book book;
  book.report("first", kStart, 1);
  std::atomic<bool> done = false, torn = false;
  std::thread reader([&] {
    while (!done) {
      const auto page_of_both = page(book.ledger, kTasks);
      const auto first = page_of_both.find("} "), last = page_of_both.rfind("} ");
      const auto value = [&](std::size_t at) {
        return page_of_both.substr(at, page_of_both.find('\n', at) - at);
      };
      if (first != last && value(first) != value(last)) torn = true;
      if (book.ledger.figures().series > 2) torn = true;
    }
  });
  for (int i = 0; i < 300; ++i) {
    auto run = book.ledger.begin(soon(), kStart);
    const auto event = std::to_string(i);
    run.record(kTasks, {i == 0 ? "first" : event, kStart}, 1, "ok", "main");
    run.record(kTasks, {event, kStart}, 1, "ok", "side");
    run.commit();
  }
  done = true;
  reader.join();
  CHECK_FALSE(torn);
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 300\n"
                   "test_tasks_total{state=\"ok\",queue=\"side\"} 300\n"));
}

TEST_CASE("a ledger has a name that a file may have, and times that are not negative") {
  for (const char* name : {"", ".", "..", ".hidden", "a/b", "a b", "a\n"}) {
    CHECK(error_of(Reason::config, [&] { Ledger(name, {}, {}, kStart); }) ==
          "\"" + std::string(name) + "\" cannot be the name of a ledger");
  }
  CHECK(error_of(Reason::config, [&] { Ledger("test", {}, {.allowed_lateness = -1us}, kStart); }) ==
        "a ledger's times cannot be negative");
}
