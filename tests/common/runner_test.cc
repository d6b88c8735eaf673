#include "common/collect/runner.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

using namespace exporter;
using namespace std::chrono_literals;

namespace {

constexpr auto kRun = gauge("demo_run", "The number of the run.");

/// A gate that a collector waits at until the test opens it.
class Gate {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++arrived_;
    changed_.notify_all();
    // Catch2's checks are for the main thread alone.
    if (!changed_.wait_for(lock, 30s, [&] { return open_; }))
      throw std::runtime_error("not opened");
  }
  void wait_for_arrival() {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, 30s, [&] { return arrived_ > 0; }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

/// Counts failures as the app does.
struct Failures {
  std::mutex mutex;
  std::map<std::string, int> counts;
  Runner::CountFailure hook() {
    return [this](const std::string& collector, Reason reason) {
      const std::lock_guard lock(mutex);
      ++counts[collector + ' ' + std::string(to_string(reason))];
    };
  }
};

Collector numbered(std::string name, std::shared_ptr<std::atomic<int>> runs) {
  return {std::move(name), OnScrape{}, 10s, {}, [runs](Samples& samples, const Deadline&) {
            samples.add(kRun, ++*runs);
          }};
}

void uncounted(const std::string&, Reason) {}

Clock::time_point soon() { return Clock::now() + 30s; }

std::string page(const Runner::View& view) {
  return view.snapshot ? view.snapshot->page(Format::text) : "";
}

const std::string kHeader = "# HELP demo_run The number of the run.\n# TYPE demo_run gauge\n";
const std::vector<std::size_t> kFirst = {0};

}  // namespace

TEST_CASE("a scrape gets a run that began after it asked") {
  auto runs = std::make_shared<std::atomic<int>>(0);
  Runner runner({numbered("a", runs)}, uncounted);
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 1\n");
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 2\n");
  CHECK(*runs == 2);
}

TEST_CASE("scrapes that wait at the same time share one run") {
  Gate gate;
  auto runs = std::make_shared<std::atomic<int>>(0);
  Runner runner({{"a",
                  OnScrape{},
                  30s,
                  {},
                  [&, runs](Samples& samples, const Deadline&) {
                    if (++*runs == 1) gate.pass();
                    samples.add(kRun, *runs);
                  }}},
                uncounted);
  std::thread first([&] { runner.collect(kFirst, soon()); });
  gate.wait_for_arrival();
  std::vector<std::thread> others;
  std::atomic<int> asking = 0;
  for (int i = 0; i < 20; ++i) {
    others.emplace_back([&] {
      ++asking;
      runner.collect(kFirst, soon());
    });
  }
  while (asking < 20) std::this_thread::yield();
  std::this_thread::sleep_for(100ms);  // for the last of them to get from asking to waiting
  gate.open();
  first.join();
  for (auto& other : others) other.join();
  CHECK(*runs <= 3);
}

TEST_CASE("a collector that hangs costs its own samples, is counted once, and recovers") {
  Gate gate;
  Failures failures;
  auto runs = std::make_shared<std::atomic<int>>(0);
  std::atomic<bool> hang = true;
  std::vector<Collector> collectors;
  collectors.push_back({"hung", OnScrape{}, 30s, {}, [&](Samples& samples, const Deadline&) {
                          if (hang) gate.pass();
                          samples.add(kRun, 100);
                        }});
  for (int i = 0; i < 5; ++i) collectors.push_back(numbered("good" + std::to_string(i), runs));
  Runner runner(std::move(collectors), failures.hook());
  std::vector<std::size_t> all(6);
  std::iota(all.begin(), all.end(), 0);
  for (int scrape = 0; scrape < 2; ++scrape) {
    const auto views = runner.collect(all, Clock::now() + 300ms);
    CHECK(page(views[0]).empty());
    CHECK(views[0].status->outcome == Status::Outcome::failure);
    CHECK(views[0].status->reason == Reason::timeout);
    for (std::size_t i = 1; i < 6; ++i) {
      CHECK(views[i].status->outcome == Status::Outcome::success);
      CHECK(views[i].snapshot != nullptr);
    }
  }
  CHECK(failures.counts == std::map<std::string, int>{{"hung timeout", 1}});
  hang = false;
  gate.open();
  CHECK(page(runner.collect(all, soon())[0]) == kHeader + "demo_run 100\n");
}

TEST_CASE("a run that comes late and fails for its time is told of once") {
  auto gate = std::make_shared<Gate>();
  Failures failures;
  Runner runner({{"stuck",
                  OnScrape{},
                  10s,
                  {},
                  [gate](Samples&, const Deadline&) {
                    gate->pass();
                    throw Error(Reason::timeout, "deadline passed");
                  }}},
                failures.hook());
  const std::size_t all[] = {0};
  const auto late = runner.collect(all, Clock::now() + 20ms)[0].status;
  CHECK(late->error == "did not finish before the scrape's deadline");
  gate->open();
  while (runner.views()[0].status == late) std::this_thread::yield();
  const auto ended = runner.views()[0].status;
  CHECK(ended->outcome == Status::Outcome::failure);
  CHECK(ended->reason == Reason::timeout);
  CHECK(ended->error == late->error);
  CHECK(failures.counts == std::map<std::string, int>{{"stuck timeout", 1}});
}

TEST_CASE("a failed run publishes nothing, says why, and keeps the time of the last success") {
  Failures failures;
  std::atomic<bool> fail = false;
  Runner runner({{"a",
                  OnScrape{},
                  10s,
                  {},
                  [&](Samples& samples, const Deadline&) {
                    samples.add(kRun, 1);
                    if (fail) throw Error(Reason::decode, "file:3: expected a number");
                  }}},
                failures.hook());
  const auto good = runner.collect(kFirst, soon())[0];
  fail = true;
  const auto bad = runner.collect(kFirst, soon())[0];
  CHECK(bad.snapshot == nullptr);
  CHECK(bad.status->error == "file:3: expected a number");
  CHECK(bad.status->samples == 0);
  CHECK(bad.status->last_success_unix == good.status->last_success_unix);
  CHECK(failures.counts == std::map<std::string, int>{{"a decode", 1}});
}

TEST_CASE("a page that does not change keeps its rendered forms") {
  Runner runner(
      {{"a", OnScrape{}, 10s, {}, [](Samples& samples, const Deadline&) { samples.add(kRun, 7); }}},
      uncounted);
  const auto one = runner.collect(kFirst, soon())[0].snapshot;
  const auto two = runner.collect(kFirst, soon())[0].snapshot;
  CHECK(one == two);
}

TEST_CASE("a background collector runs by itself, and a scrape does not make it run") {
  auto runs = std::make_shared<std::atomic<int>>(0);
  auto collector = numbered("a", runs);
  collector.schedule = Every{1h, 1h};
  Runner runner({collector}, uncounted);
  CHECK(page(runner.collect(kFirst, soon())[0]).empty());
  CHECK_FALSE(runner.ready());
  runner.collect(kFirst, soon(), Runner::Which::all);
  CHECK(runner.ready());
  runner.collect(kFirst, soon());
  CHECK(*runs == 1);
}

TEST_CASE("background runs repeat, and the last good samples stay while they fail, then go") {
  auto runs = std::make_shared<std::atomic<int>>(0);
  Runner runner({{"a",
                  Every{20ms, 400ms},
                  10s,
                  {},
                  [runs](Samples& samples, const Deadline&) {
                    if (++*runs > 2) throw Error(Reason::connect, "refused");
                    samples.add(kRun, *runs);
                  }}},
                uncounted);
  const auto give_up = Clock::now() + 30s;
  while (*runs < 4 && Clock::now() < give_up) std::this_thread::sleep_for(1ms);
  const auto failing = runner.views()[0];
  CHECK(page(failing) == kHeader + "demo_run 2\n");
  while (runner.views()[0].snapshot && Clock::now() < give_up) std::this_thread::sleep_for(1ms);
  CHECK(runner.views()[0].snapshot == nullptr);
  CHECK(runner.views()[0].status->reason == Reason::connect);
}

TEST_CASE("a background run without news keeps the samples of the last good one") {
  auto runs = std::make_shared<std::atomic<int>>(0);
  Runner runner({{"a",
                  Every{1h, 1h},
                  10s,
                  {},
                  [runs](Samples& samples, const Deadline&) {
                    if (++*runs == 2) throw Error(Reason::connect, "refused");
                    samples.add(kRun, *runs);
                    if (*runs == 3) samples.keep_last();
                  }}},
                uncounted);
  const auto run = [&] { return runner.collect(kFirst, soon(), Runner::Which::all)[0]; };
  const auto first = run();
  CHECK(run().status->samples == 0);
  const auto kept = run();
  CHECK(kept.snapshot == first.snapshot);
  CHECK(page(kept) == kHeader + "demo_run 1\n");
  CHECK(kept.status->outcome == Status::Outcome::success);
  CHECK(kept.status->samples == 1);
  CHECK(page(run()) == kHeader + "demo_run 4\n");
}

TEST_CASE("background runs that fail come later and later") {
  std::mutex mutex;
  std::vector<Clock::time_point> times;
  Runner runner({{"a",
                  Every{40ms, 0ms},
                  10s,
                  {},
                  [&](Samples&, const Deadline&) {
                    const std::lock_guard lock(mutex);
                    times.push_back(Clock::now());
                    throw Error(Reason::connect, "refused");
                  }}},
                uncounted);
  const auto give_up = Clock::now() + 30s;
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return times.size();
  };
  while (count() < 4 && Clock::now() < give_up) std::this_thread::sleep_for(1ms);
  REQUIRE(count() >= 4);
  const std::lock_guard lock(mutex);
  CHECK(times[1] - times[0] >= 40ms);
  CHECK(times[2] - times[1] >= 80ms);
  CHECK(times[3] - times[2] >= 160ms);
}

TEST_CASE("the end does not wait for a collector that hangs, and tells the others to stop") {
  auto gate = std::make_shared<Gate>();
  std::atomic<bool> told = false;
  auto runner = std::make_unique<Runner>(
      std::vector<Collector>{
          {"hung", Every{1ms, 1ms}, 30s, {}, [gate](Samples&, const Deadline&) { gate->pass(); }},
          {"obedient",
           Every{1ms, 1ms},
           30s,
           {},
           [&](Samples&, const Deadline& deadline) {
             while (deadline.left() > 0ms) std::this_thread::sleep_for(1ms);
             told = deadline.stop().stop_requested();
           }}},
      uncounted);
  gate->wait_for_arrival();
  const auto begin = Clock::now();
  runner.reset();
  CHECK(Clock::now() - begin < 5s);
  gate->open();
}
