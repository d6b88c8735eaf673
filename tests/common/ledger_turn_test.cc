// One run at a time; a run that was stopped does not block the next.

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <stop_token>
#include <thread>

#include "tests/common/ledger_fixture.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace fixture;
using namespace std::chrono_literals;

namespace {

Deadline stoppable(const std::stop_source& stop) { return Deadline::in(10min, stop.get_token()); }

}  // namespace

TEST_CASE("one run waits for another, until its deadline or a stop") {
  Book book;
  std::thread second;
  {
    auto first = book.begin();
    CHECK(error_of(Reason::timeout, [&] { book.ledger.begin(Deadline::in(1ms), {}, kStart); }) ==
          "ledger test: another run of it has not ended");
    std::stop_source stop;
    stop.request_stop();
    CHECK(error_of(Reason::cancelled, [&] { book.ledger.begin(stoppable(stop), {}, kStart); }) ==
          "cancelled");
    second = std::thread([&] { book.report("b", kStart, 1); });
    first.record(kTasks, {"a", kStart}, 1, "ok", "main");
    first.commit();
  }
  second.join();
  CHECK(book.shown() == "2");
}

TEST_CASE("a run that was stopped is rolled back for one that waits") {
  Book book;
  std::stop_source stop;
  auto old_run = book.ledger.begin(stoppable(stop), {}, kStart);
  old_run.record(kTasks, {"a", kStart}, 5, "ok", "main");
  old_run.set_metadata("position", "old");
  SECTION("stopped before") {
    stop.request_stop();
    book.report("b", kStart, 1);
  }
  SECTION("stopped while the other waits") {
    std::thread next([&] { book.report("b", kStart, 1); });
    stop.request_stop();
    next.join();
  }
  CHECK(book.shown() == "1");
  const auto was_stopped = "ledger test: this run was stopped, and another one began";
  CHECK(error_of(Reason::cancelled, [&] {
          old_run.record(kTasks, {"c", kStart}, 1, "ok", "main");
        }) == was_stopped);
  CHECK(error_of(Reason::cancelled, [&] { old_run.metadata("position"); }) == was_stopped);
  CHECK(error_of(Reason::cancelled, [&] { old_run.commit(); }) == was_stopped);
  auto run = book.begin();
  CHECK(run.metadata("position").empty());
  run.record(kTasks, {"a", kStart}, 5, "ok", "main");
  run.commit();
  CHECK(book.shown() == "6");
}

TEST_CASE("who was stopped begins no run") {
  Book book;
  std::stop_source stop;
  stop.request_stop();
  CHECK(error_of(Reason::cancelled, [&] { book.ledger.begin(stoppable(stop), {}, kStart); }) ==
        "cancelled");
}

TEST_CASE("a run that was stopped may end when nobody waits") {
  Book book;
  std::stop_source stop;
  auto run = book.ledger.begin(stoppable(stop), {}, kStart);
  stop.request_stop();
  run.record(kTasks, {"a", kStart}, 5, "ok", "main");
  run.commit();
  CHECK(book.shown() == "5");
}

TEST_CASE("the old run goes while the new one is open, and leaves it alone") {
  Book book;
  std::stop_source stop;
  const auto begin = [&] { return book.ledger.begin(stoppable(stop), {}, kStart); };
  std::unique_ptr<Ledger::Run> old_run(new Ledger::Run(begin()));
  old_run->record(kTasks, {"a", kStart}, 5, "ok", "main");
  stop.request_stop();
  auto run = book.begin();
  run.record(kTasks, {"b", kStart}, 1, "ok", "main");
  CHECK_THROWS_AS(old_run->commit(), Error);
  old_run.reset();
  run.record(kTasks, {"c", kStart}, 1, "ok", "main");
  run.commit();
  CHECK(book.shown() == "2");
}

TEST_CASE("generations that replace each other in the middle of their runs lose no commit") {
  const TemporaryDirectory directory;
  Ledger ledger("test", directory.path(), {}, kStart);
  std::atomic<int> committed = 0, other_errors = 0;
  std::vector<std::jthread> generations;
  for (int generation = 0; generation < 40; ++generation) {
    generations.emplace_back([&, generation](const std::stop_token& stop) {
      try {
        for (int i = 0;; ++i) {
          auto run = ledger.begin(Deadline::in(10min, stop), {}, kStart);
          for (int k = 0; k < 20; ++k) {
            const auto id = std::to_string(generation) + '.' + std::to_string(i) + '.';
            run.record(kTasks, {id + std::to_string(k), kStart}, 1, "ok", "main");
          }
          run.commit();
          ++committed;
        }
      } catch (const Error& error) {
        if (error.reason() != Reason::cancelled) ++other_errors;
      }
    });
    if (generation % 2 == 1) generations[static_cast<std::size_t>(generation) - 1].request_stop();
    std::this_thread::yield();
  }
  for (auto& generation : generations) generation.request_stop();
  generations.clear();
  CHECK(other_errors == 0);
  CHECK(ledger.figures()->open_events == 20 * committed);
}
