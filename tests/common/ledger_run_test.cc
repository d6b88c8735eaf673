// What a run keeps, and what it refuses.

#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "common/ledger/ledger.h"
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

TEST_CASE("a run that is not committed was never there") {
  Book book;
  book.report("a", kStart, 1);
  const auto before = page(book.ledger, kTasks);
  {
    auto run = book.begin(kStart + 1h);
    run.record(kTasks, {"a", kStart}, 5, "ok", "main");
    run.record(kTasks, {"b", kStart}, 5, "new", "main");
    run.set_metadata("position", "further");
    CHECK(run.metadata("position") == "further");
  }
  CHECK(page(book.ledger, kTasks) == before);
  const auto figures = book.figures();
  CHECK(figures.series == 1);
  CHECK(figures.open_events == 1);
  CHECK(figures.corrections == 0);
  CHECK(figures.written == kStart);
  auto run = book.begin();
  CHECK(run.metadata("position").empty());
  run.record(kTasks, {"b", kStart}, 5, "new", "main");
  run.commit();
  CHECK(book.figures().open_events == 2);
}

TEST_CASE("metadata is found by its key, and by the start of its keys in their order") {
  Book book;
  {
    auto run = book.begin();
    for (const auto* key : {"b/2", "b/10", "a/1", "b", "c/1"}) run.set_metadata(key, key);
    run.set_metadata("b/2", "newer");
    run.set_metadata("b/10", "");
    run.set_metadata("b/3", std::string("\0x", 2));
    run.commit();
  }
  auto next = book.begin();
  std::vector<std::pair<std::string, std::string>> found;
  next.each_metadata(
      "b/", [&](std::string_view key, std::string_view text) { found.emplace_back(key, text); });
  CHECK(found == decltype(found){{"b/2", "newer"}, {"b/3", std::string("\0x", 2)}});
  CHECK(next.metadata("b") == "b");
  CHECK(next.metadata("b/10").empty());
  CHECK(next.metadata("nothing").empty());
}

TEST_CASE("metadata can be set while it is read") {
  Book book;
  auto run = book.begin();
  for (int i = 0; i < 100; ++i) run.set_metadata("job/" + std::to_string(i), "old");
  int count = 0;
  run.each_metadata("job/", [&](std::string_view key, std::string_view text) {
    CHECK(text == "old");
    run.set_metadata(std::string(key), "new");
    run.set_metadata(std::string(key) + "/more", "new");
    run.set_metadata("job/0", "");
    ++count;
  });
  CHECK(count == 100);
  run.commit();
  auto next = book.begin();
  CHECK(next.metadata("job/0").empty());
  CHECK(next.metadata("job/99") == "new");
  CHECK(next.metadata("job/99/more") == "new");
}

TEST_CASE("what a run has not committed cannot be seen") {
  Book book;
  book.report("a", kStart, 1);
  auto run = book.begin();
  run.record(kTasks, {"b", kStart}, 1, "ok", "main");
  CHECK(book.shown() == "1");
  std::thread([&] { CHECK(book.figures().open_events == 1); }).join();
  run.commit();
  CHECK(book.shown() == "2");
}

TEST_CASE("a run ends with its commit") {
  Book book;
  auto run = book.begin();
  run.commit();
  CHECK(error_of(Reason::internal, [&] { run.commit(); }) == "the run of the ledger has ended");
  CHECK(error_of(Reason::internal, [&] {
          run.record(kTasks, {"a", kStart}, 1, "ok", "main");
        }) == "the run of the ledger has ended");
}

TEST_CASE(
    "a row that cannot be counted is refused by the name of its series, and the run goes on") {
  Book book;
  auto run = book.begin();
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
  const std::array<std::uint64_t, 3> too_many = {0, 2'000'000'000'000'000'000, 0};
  CHECK(error_of(Reason::decode, [&] {
          run.observe_counts(kSeconds, kBounds, {"a", kStart}, too_many, 1, "main");
        }) == "test_seconds{queue=\"main\"}: a count that is above 1e18");
  run.record(kTasks, {"a", kStart}, 1e18, "ok", "main");
  run.record(kTasks, {"b", kStart}, 0, "ok", "main");
  run.commit();
  CHECK(book.shown() == "1e+18");
  CHECK(book.figures().series == 1);
}

TEST_CASE("a family of another type, or bounds that do not ascend, are refused") {
  Book book;
  auto run = book.begin();
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

TEST_CASE("counts that are not one more than the bounds are refused") {
  Book book;
  auto run = book.begin();
  const std::array<std::uint64_t, 2> counts = {1, 2};
  CHECK(error_of(Reason::internal, [&] {
          run.observe_counts(kSeconds, kBounds, {"a", kStart}, counts, 1, "main");
        }) == "test_seconds: one count for each bound, and one more");
  CHECK(error_of(Reason::internal, [&] { run.ensure(kLoad); }) == "test_load: not a counter");
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
      if (book.figures().series > 2) torn = true;
    }
  });
  for (int i = 0; i < 300; ++i) {
    auto run = book.begin();
    const auto event = std::to_string(i);
    run.record(kTasks, {i == 0 ? "first" : event, kStart}, 1, "ok", "main");
    run.record(kTasks, {event + " side", kStart}, 1, "ok", "side");
    run.commit();
  }
  done = true;
  reader.join();
  CHECK_FALSE(torn);
  CHECK(page(book.ledger, kTasks) ==
        tasks_page("test_tasks_total{state=\"ok\",queue=\"main\"} 300\n"
                   "test_tasks_total{state=\"ok\",queue=\"side\"} 300\n"));
}

TEST_CASE("runs that are given up do not make those that follow slower") {
  Book book;
  book.report("first", kStart, 1);
  constexpr int kRuns = 200, kEvents = 500;
  std::vector<std::clock_t> taken;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::clock();
    auto run = book.begin(kStart);
    for (int event = 0; event < kEvents; ++event) {
      run.record(kTasks, {std::to_string(event), kStart}, 1, "ok", "main");
    }
    taken.push_back(std::clock() - start);
  }
  constexpr auto kSome = 20;
  const auto first = std::accumulate(taken.begin(), taken.begin() + kSome, std::clock_t{});
  const auto last = std::accumulate(taken.end() - kSome, taken.end(), std::clock_t{});
  CHECK(last < 5 * first);
}
