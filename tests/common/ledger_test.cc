#include "common/ledger/ledger.h"

#include <catch2/catch.hpp>

#include "common/base/text.h"
#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

constexpr auto kSeconds = histogram("test_seconds", "Durations.", "queue");
constexpr std::array<double, 2> kBounds = {1, 10};
constexpr auto kOther = counter("test_others_total", "Others.");

}  // namespace

TEST_CASE("a ledger shows the sums of its events by series") {
  Book book;
  auto run = book.begin();
  run.record(kTasks, {"a", kStart}, 1, "ok", "main");
  run.record(kTasks, {"b", kStart}, 1, "ok", "main");
  run.record(kTasks, {"d", kStart}, 2.5, "failed", "main");
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
  CHECK(book.figures().corrections == 1);
  CHECK(book.figures().open_events == 1);
}

TEST_CASE("an event is new until it was reported, and not when it is late") {
  Book book;
  const auto is_new = [&](const char* id, Ledger::Time when = kStart) {
    return book.begin().is_new(kTasks, {id, when});
  };
  CHECK(is_new("a"));
  CHECK(is_new("a"));
  {
    auto run = book.begin();
    run.record(kTasks, {"a", kStart}, 1, "ok", "main");
    CHECK_FALSE(run.is_new(kTasks, {"a", kStart}));
    CHECK(run.is_new(kOther, {"a", kStart}));
  }
  CHECK(is_new("a"));
  book.report("a", kStart, 1);
  CHECK_FALSE(is_new("a"));
  CHECK(is_new("b"));
  for (const auto age : {24h, 48h, 72h})
    book.report("c" + std::to_string(age.count()), kStart + age, 1);
  CHECK_FALSE(is_new("b"));
  CHECK_FALSE(is_new("a"));
  CHECK(book.figures().late == 0);
}

TEST_CASE("an event whose labels change moves to its new series") {
  Book book;
  const auto state = [&](const char* event, double value, const char* of) {
    auto run = book.begin();
    run.record(kTasks, {event, kStart}, value, of, "main");
    run.commit();
  };
  state("a", 5, "running");
  state("b", 1, "running");
  state("a", 7, "ok");
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 7\n"
                   "test_tasks_total{state=\"running\",queue=\"main\"} 6\n"));  // never falls
  state("c", 5, "running");  // the true value is now 1 + 5
  state("d", 2, "running");
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 7\n"
                   "test_tasks_total{state=\"running\",queue=\"main\"} 8\n"));
  CHECK(book.figures().open_events == 4);
  CHECK(book.figures().corrections == 1);
  state("a", 7, "running");  // moves back, and is not new there
  state("a", 7, "running");
  CHECK(book.figures().corrections == 2);
  CHECK(book.figures().open_events == 4);
}

TEST_CASE("an event that moves within a run is in its last series alone") {
  Book book;
  auto run = book.begin();
  run.record(kTasks, {"a", kStart}, 1, "queued", "main");
  run.record(kTasks, {"a", kStart}, 1, "running", "main");
  run.record(kTasks, {"a", kStart}, 1, "ok", "main");
  run.commit();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 1\n"
                   "test_tasks_total{state=\"queued\",queue=\"main\"} 0\n"
                   "test_tasks_total{state=\"running\",queue=\"main\"} 0\n"));
}

TEST_CASE("the same id in two families, or with other bounds, is two events") {
  Book book;
  constexpr std::array<double, 1> kOther = {1};
  auto run = book.begin();
  run.record(kTasks, {"a", kStart}, 1, "ok", "main");
  run.observe(kSeconds, kBounds, {"a", kStart}, 3, "main");
  run.observe(kSeconds, kOther, {"a", kStart}, 3, "main");
  run.commit();
  CHECK(book.figures().open_events == 3);
  CHECK(book.figures().corrections == 0);
}

TEST_CASE("a series that is ensured exists at 0, and stays what it is") {
  Book book;
  const auto ensure = [&] {
    auto run = book.begin();
    run.ensure(kTasks, "failed", "main");
    run.commit();
  };
  ensure();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"failed\",queue=\"main\"} 0\n"));
  book.report("a", kStart, 3, kStart, "failed");
  ensure();
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"failed\",queue=\"main\"} 3\n"));
  CHECK(book.figures().open_events == 1);
}

TEST_CASE("a bucket of more observations than can be counted does not fall") {
  Book book;
  const std::array<std::uint64_t, 3> counts = {1'000'000'000'000'000'000, 0, 0};
  for (int event = 0; event < 20; ++event) {
    auto run = book.begin();
    run.observe_counts(kSeconds, kBounds, {std::to_string(event), kStart}, counts, 1, "main");
    run.commit();
  }
  CHECK(page(book.ledger, kSeconds, kBounds).ends_with(" 9223372036854775808\n"));
}

TEST_CASE("an event can stand for many observations, and is corrected like any other") {
  Book book;
  const auto report = [&](const std::vector<std::uint64_t>& counts, double sum) {
    auto run = book.begin();
    run.observe_counts(kSeconds, kBounds, {"hour 1", kStart}, counts, sum, "main");
    run.commit();
  };
  const auto shown = [&] {
    auto text = page(book.ledger, kSeconds, kBounds);
    std::string values;
    for (std::string_view rest = text; !rest.empty();) {
      const auto line = next_part(rest, '\n');
      if (line[0] != '#') values.append(line.substr(line.rfind(' ')));
    }
    return values;
  };
  report({4, 0, 2}, 33.5);
  CHECK(shown() == " 4 4 6 33.5 6");
  report({4, 0, 2}, 33.5);
  CHECK(book.figures().corrections == 0);
  report({5, 1, 2}, 40);
  CHECK(shown() == " 5 6 8 40 8");
  report({1, 1, 2}, 40);  // four fewer in the first bucket, which does not fall
  CHECK(shown() == " 5 6 8 40 8");
  {
    auto run = book.begin();
    run.observe(kSeconds, kBounds, {"one more", kStart}, 0.5, "main");
    run.observe(kSeconds, kBounds, {"hour 1", kStart}, 3, "main");  // one in place of many
    run.commit();
  }
  CHECK(book.figures().open_events == 2);
  report({9, 0, 0}, 45);
  CHECK(shown() == " 10 11 13 45.5 13");
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
  auto run = book.begin();
  run.record(kTasks, {"a", kStart}, 9, "ok", "main");
  run.record(kTasks, {"a", kStart}, 2, "ok", "main");
  run.commit();
  CHECK(book.shown() == "2");
}

TEST_CASE("a histogram whose observation moves stays consistent, and no bucket falls") {
  Book book;
  const auto observe = [&](const char* event, double value) {
    auto run = book.begin();
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
  observe("b", 30);  // now the true value is the shown one
  CHECK(page(book.ledger, kSeconds, kBounds) == shown("1", "1", "2", "30.5"));
}

TEST_CASE("a histogram with other bounds is a family of its own") {
  Book book;
  auto run = book.begin();
  run.observe(kSeconds, kBounds, {"a", kStart}, 3, "main");
  run.commit();
  CHECK(page(book.ledger, kSeconds, std::array<double, 2>{1, 11}).empty());
  CHECK(page(book.ledger, kSeconds, std::array<double, 1>{1}).empty());
}

TEST_CASE("a histogram shows the exemplars that its caller knows") {
  Book book;
  auto run = book.begin();
  run.observe(kSeconds, kBounds, {"a", kStart}, 0.5, "main");
  run.observe(kSeconds, kBounds, {"b", kStart}, 0.5, "other");
  run.commit();
  Samples samples;
  const Label job[] = {{"job", "a"}};
  std::vector<std::string> exemplars(std::size(kBounds) + 1);
  exemplars.front() = exemplar(job, 0.5, kStart);
  book.ledger.add_to(samples, kSeconds, kBounds, {}, [&](std::span<const std::string_view> labels) {
    return labels[0] == "main" ? std::span<const std::string>(exemplars)
                               : std::span<const std::string>();
  });
  std::string text;
  samples.render(Format::openmetrics, text);
  const auto at = text.find(" # {");
  REQUIRE(at != std::string::npos);
  CHECK(text.substr(text.rfind('\n', at) + 1, 40).find("\"main\"") != std::string::npos);
  CHECK(text.find(" # {", at + 1) == std::string::npos);
}

TEST_CASE("the series to keep are shown, the others are not") {
  Book book;
  auto run = book.begin();
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

TEST_CASE("sums do not depend on the order in which events come") {
  const std::vector<double> values = {1e15, 0.1, 0.2, 1e-9, 0.7, 123456.789};
  for (const bool backwards : {false, true}) {
    Book book;
    auto run = book.begin();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto at = backwards ? values.size() - 1 - i : i;
      run.record(kTasks, {std::to_string(at), kStart}, values[at], "ok", "main");
    }
    run.record(kTasks, {"0", kStart}, 0, "ok", "main");
    run.commit();
    CHECK(book.shown() == "123457.789000001");
  }
}

TEST_CASE("a ledger has a name that a file may have, and times that are not negative") {
  for (const char* name : {"", ".", "..", ".hidden", "a/b", "a b", "a\n"}) {
    CHECK(error_of(Reason::config, [&] { Ledger(name, {}, {}, kStart); }) ==
          "\"" + std::string(name) + "\" cannot be the name of a ledger");
  }
  Book book({.allowed_lateness = -1us});
  CHECK(error_of(Reason::config, [&] { book.begin(); }) == "a ledger's times cannot be negative");
}
