#include <catch2/catch.hpp>

#include "common/collect/runner.h"
#include "tests/common/runner_fixture.h"

using namespace exporter;
using namespace runner_fixture;

TEST_CASE("a background collector runs by itself, and a scrape does not make it run") {
  const auto runs = count();
  Runner runner({in_background("a", {1h, 1h}, numbered(runs))}, uncounted());
  CHECK(page(runner.collect(kFirst, soon())[0]).empty());
  CHECK_FALSE(runner.ready());
  runner.collect(kFirst, soon(), Runner::Which::all);
  CHECK(runner.ready());
  runner.collect(kFirst, soon());
  CHECK(*runs == 1);
}

TEST_CASE("collectors on scrape run one after the other while the background waits") {
  std::mutex mutex;
  std::condition_variable started;
  bool runs = false, beside = false;
  const auto first = [&](Samples&, const Deadline&) {
    std::unique_lock lock(mutex);
    runs = true;
    started.wait_for(lock, 5ms, [&] { return beside; });
    runs = false;
  };
  const auto second = [&](Samples&, const Deadline&) {
    const std::lock_guard lock(mutex);
    beside = beside || runs;
    started.notify_all();
  };
  Runner runner({in_background("a", {1h, 1h}, numbered(count())), on_scrape("first", first),
                 on_scrape("second", second)},
                uncounted());
  const std::size_t all[] = {0, 1, 2};
  runner.collect(all, soon(), Runner::Which::all);
  // Repeated, because another thread takes over a scrape that stalls on a busy machine. The pauses
  // are there because a scrape right after another finds a thread awake, which wakes a second one.
  CHECK(eventually([&] {
    beside = false;
    for (int i = 0; i < 20; ++i) {
      std::this_thread::sleep_for(5ms);
      runner.collect(all, soon());
    }
    return !beside;
  }));
}

TEST_CASE("background runs repeat, and the last good samples stay while they fail, then go") {
  const auto runs = count();
  Runner runner({in_background("a", {20ms, 400ms},
                               [runs](Samples& samples, const Deadline&) {
                                 if (++*runs > 2) throw Error(Reason::connect, "refused");
                                 samples.add(kRun, *runs);
                               })},
                uncounted());
  REQUIRE(eventually([&] { return *runs >= 4; }));
  REQUIRE(eventually([&] { return runner.views()[0].snapshot == nullptr; }));
  CHECK(runner.views()[0].status->reason == Reason::connect);
}

TEST_CASE("a background collector that fails keeps its last good samples") {
  const auto runs = count();
  Runner runner({in_background("a", {20ms, 1h},
                               [runs](Samples& samples, const Deadline&) {
                                 if (++*runs > 2) throw Error(Reason::connect, "refused");
                                 samples.add(kRun, *runs);
                               })},
                uncounted());
  REQUIRE(eventually([&] { return *runs >= 4; }));
  CHECK(page(runner.views()[0]) == kHeader + "demo_run 2\n");
}

TEST_CASE("samples that are kept for ever are shown") {
  const auto runs = count();
  const auto ever = Clock::duration::max();
  Runner runner({in_background("a", {ever, ever}, numbered(runs))}, uncounted());
  CHECK(page(runner.collect(kFirst, soon(), Runner::Which::all)[0]) == kHeader + "demo_run 1\n");
  CHECK(page(runner.views()[0]) == kHeader + "demo_run 1\n");
}

TEST_CASE("a background run without news keeps the samples of the last good one") {
  const auto runs = count();
  Runner runner({in_background("a", {1h, 1h},
                               [runs](Samples& samples, const Deadline&) {
                                 if (++*runs == 2) throw Error(Reason::connect, "refused");
                                 samples.add(kRun, *runs);
                                 if (*runs == 3) samples.keep_last();
                               })},
                uncounted());
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

TEST_CASE("until its first run a collector shows what the one before it showed") {
  const auto runs = count();
  Runner old({in_background("a", {1h, 1h}, numbered(runs)),
              in_background("gone", {1h, 1h}, numbered(runs)), on_scrape("s", numbered(runs))},
             uncounted());
  const std::size_t all[] = {0, 1, 2};
  const auto shown = old.collect(all, soon(), Runner::Which::all);
  const auto gate = std::make_shared<Gate>();
  Runner next({on_scrape("s", numbered(runs)),
               in_background("a", {1h, 1h},
                             [gate](Samples& samples, const Deadline&) {
                               gate->pass();
                               samples.add(kRun, 100);
                             }),
               in_background("new", {1h, 1h}, [gate](Samples&, const Deadline&) { gate->pass(); })},
              uncounted());
  next.inherit(old);
  const auto views = next.views();
  CHECK(views[0].snapshot == nullptr);
  CHECK(views[1].snapshot == shown[0].snapshot);
  CHECK(views[1].status == shown[0].status);
  CHECK(next.histories()[1].size() == 1);
  CHECK(views[2].status->outcome == Status::Outcome::never_ran);
  CHECK_FALSE(next.ready());
  gate->open();
  REQUIRE(eventually([&] { return next.ready(); }));
  REQUIRE(eventually([&] { return page(next.views()[1]) == kHeader + "demo_run 100\n"; }));
}

TEST_CASE("what the one before it showed stays as long as its own samples do") {
  const auto runs = count();
  Runner old({in_background("a", {1h, 1h}, numbered(runs))}, uncounted());
  old.collect(kFirst, soon(), Runner::Which::all);
  const auto gate = std::make_shared<Gate>();
  const auto wait = [gate](Samples&, const Deadline&) { gate->pass(); };
  Runner longer({in_background("a", {1h, 2h}, wait)}, uncounted());
  Runner shorter({in_background("a", {10ms, 10ms}, wait)}, uncounted());
  longer.inherit(old);
  shorter.inherit(old);
  CHECK(eventually([&] { return shorter.views()[0].snapshot == nullptr; }));
  CHECK(longer.views()[0].snapshot != nullptr);
  gate->open();
}

TEST_CASE("a first run that fails before it is known what was shown leaves that, too") {
  const auto runs = count();
  Runner old({in_background("a", {1h, 1h}, numbered(runs))}, uncounted());
  const auto shown = old.collect(kFirst, soon(), Runner::Which::all)[0];
  Runner next(
      {in_background("a", {1h, 1h},
                     [](Samples&, const Deadline&) { throw Error(Reason::connect, "refused"); })},
      uncounted());
  next.collect(kFirst, soon(), Runner::Which::all);
  next.inherit(old);
  const auto view = next.views()[0];
  CHECK(view.snapshot == shown.snapshot);
  CHECK(view.status->outcome == Status::Outcome::failure);
  CHECK(view.status->last_success_unix == shown.status->last_success_unix);
}

TEST_CASE("background runs that fail come later and later, and a source may ask for more") {
  std::mutex mutex;
  std::vector<Clock::time_point> times;
  Runner runner({in_background("a", {40ms, 0ms},
                               [&](Samples&, const Deadline&) {
                                 const std::lock_guard lock(mutex);
                                 const auto now = Clock::now();
                                 times.push_back(now);
                                 std::optional<Clock::time_point> not_before;
                                 if (times.size() == 3) not_before = now + 700ms;
                                 throw Error(Reason::rate_limited, "busy", not_before);
                               })},
                uncounted());
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return times.size() >= 4;
  }));
  const std::lock_guard lock(mutex);
  CHECK(times[1] - times[0] >= 40ms);
  CHECK(times[2] - times[1] >= 80ms);
  CHECK(times[3] - times[2] >= 700ms);
}

TEST_CASE("a background run that hangs has failed once its timeout has passed") {
  auto gate = std::make_shared<Gate>();
  Failures failures;
  const auto runs = count();
  const int good_runs = GENERATE(0, 1);
  auto collector = in_background("hung", {1ms, 1h}, [=](Samples& samples, const Deadline&) {
    if (++*runs > good_runs) gate->pass();
    samples.add(kRun, *runs);
  });
  collector.timeout = 10ms;
  Runner runner({collector}, failures.options());
  REQUIRE(
      eventually([&] { return runner.views()[0].status->outcome == Status::Outcome::failure; }));
  CHECK(runner.ready());
  CHECK(runner.views()[0].status->reason == Reason::timeout);
  CHECK(page(runner.views()[0]) == (good_runs == 0 ? "" : kHeader + "demo_run 1\n"));
  CHECK(failures.counts() == std::map<std::string, int>{{"hung timeout", 1}});
  gate->open();
  REQUIRE(
      eventually([&] { return runner.views()[0].status->outcome == Status::Outcome::success; }));
  CHECK(failures.counts() == std::map<std::string, int>{{"hung timeout", 1}});
}

TEST_CASE("collectors that hang on scrape do not stop the background") {
  auto gate = std::make_shared<Gate>();
  const auto runs = count();
  std::vector<Collector> collectors;
  for (int i = 0; i < 3; ++i) {
    collectors.push_back(
        on_scrape("hung" + std::to_string(i), [gate](Samples&, const Deadline&) { gate->pass(); }));
  }
  collectors.push_back(in_background("alive", {1s, 1h}, numbered(runs)));
  Runner runner(std::move(collectors), uncounted());
  REQUIRE(eventually([&] { return *runs == 1; }));
  // The scrape ends before the next run is due, so it assigns no thread to that run.
  const std::vector<std::size_t> all = {0, 1, 2, 3};
  runner.collect(all, Clock::now() + 300ms);
  gate->wait_for_arrivals(3);
  const int before = *runs;
  CHECK(eventually([&] { return *runs >= before + 2; }));
  gate->open();
}

TEST_CASE("collectors of a source run a few at once, and one that hangs does not keep its place") {
  auto gate = std::make_shared<Gate>();
  std::mutex mutex;
  int now = 0, most = 0, runs = 0;
  std::vector<Collector> collectors;
  for (int i = 0; i < 6; ++i) {
    auto collector =
        in_background("c" + std::to_string(i), {1ms, 1h}, [&, gate, i](Samples&, const Deadline&) {
          if (i == 0) return gate->pass();
          {
            const std::lock_guard lock(mutex);
            most = std::max(most, ++now);
            ++runs;
          }
          std::this_thread::sleep_for(2ms);
          const std::lock_guard lock(mutex);
          --now;
        });
    collector.source = "x";
    collector.at_once = 2;
    collector.timeout = i == 0 ? 10ms : 60s;
    collectors.push_back(collector);
  }
  Runner runner(std::move(collectors), uncounted("place"));
  gate->wait_for_arrivals(1);
  REQUIRE(
      eventually([&] { return runner.views()[0].status->outcome == Status::Outcome::failure; }));
  // The run was given up, and both places are in use again.
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return runs > 100 && most >= 2;
  }));
  const std::lock_guard lock(mutex);
  CHECK(most == 2);
  gate->open();
}

TEST_CASE("a source of which more collectors hang than may run at once is asked no more") {
  auto gate = std::make_shared<Gate>();
  Failures failures;
  std::vector<Collector> collectors;
  const auto add = [&](const std::string& name, CollectFunction collect) {
    auto collector = in_background(name, {1ms, 1h}, std::move(collect));
    collector.source = "x";
    collector.at_once = 1;
    collector.timeout = 10ms;
    collectors.push_back(std::move(collector));
  };
  const auto waiting = count();
  for (const auto* name : {"hangs", "too", "also"}) {
    add(name, [gate, waiting](Samples&, const Deadline&) {
      ++*waiting;
      gate->pass();
      --*waiting;
    });
  }
  add("healthy", [](Samples&, const Deadline&) {});
  Runner runner(std::move(collectors), failures.options("place"));
  const auto error_of = [&](std::size_t index) { return runner.views()[index].status->error; };
  const std::string refused = "not run: more than 1 collectors of its source hang";
  REQUIRE(eventually([&] { return error_of(3) == refused; }));
  CHECK(*waiting == 2);
  CHECK(runner.views()[3].status->reason == Reason::timeout);
  CHECK(failures.counts().at("healthy timeout") >= 1);
  gate->open();
  CHECK(eventually([&] {
    const auto views = runner.views();
    return std::all_of(views.begin(), views.end(), [](const Runner::View& view) {
      return view.status->outcome == Status::Outcome::success;
    });
  }));
}

TEST_CASE("a collector without a limit runs and takes no place, whatever others of its source do") {
  auto gate = std::make_shared<Gate>();
  const auto runs = std::make_shared<std::atomic<int>>(0);
  std::vector<Collector> collectors;
  const auto add = [&](const std::string& name, std::size_t at_once, CollectFunction collect) {
    auto collector = in_background(name, {1ms, 1h}, std::move(collect));
    collector.source = "x";
    collector.at_once = at_once;
    collector.timeout = 60s;
    collectors.push_back(std::move(collector));
  };
  const CollectFunction pass = [gate](Samples&, const Deadline&) { gate->pass(); };
  add("beside", 0, [runs](Samples&, const Deadline&) { ++*runs; });
  add("waits for the gate", 2, pass);
  add("too", 2, pass);
  Runner runner(std::move(collectors), uncounted("place"));
  gate->wait_for_arrivals(2);
  const int before = *runs;
  CHECK(eventually([&] { return *runs > before + 10; }));
  gate->open();
}

TEST_CASE("collectors that wait for a place run in the order in which they are due") {
  const auto runs = std::make_shared<std::array<std::atomic<int>, 4>>();
  std::vector<Collector> collectors;
  for (std::size_t i = 0; i < runs->size(); ++i) {
    auto collector =
        in_background("c" + std::to_string(i), {1ms, 1h}, [runs, i](Samples&, const Deadline&) {
          std::this_thread::sleep_for(2ms);
          ++(*runs)[i];
        });
    collector.source = "x";
    collector.at_once = 1;
    collectors.push_back(collector);
  }
  Runner runner(std::move(collectors), uncounted("place"));
  REQUIRE(eventually([&] { return (*runs)[0] >= 20; }));
  for (const auto& count : *runs) CHECK(count >= 18);
}

TEST_CASE("the end does not wait for a collector that hangs, and tells the others to stop") {
  auto gate = std::make_shared<Gate>();
  std::atomic<bool> told = false;
  auto runner = std::make_unique<Runner>(
      std::vector<Collector>{
          in_background("hung", {1ms, 1ms}, [gate](Samples&, const Deadline&) { gate->pass(); }),
          in_background("obedient", {1ms, 1ms},
                        [&](Samples&, const Deadline& deadline) {
                          while (deadline.left() > 0ms) std::this_thread::sleep_for(1ms);
                          told = deadline.stop().stop_requested();
                        })},
      uncounted());
  gate->wait_for_arrivals(1);
  const auto begin = Clock::now();
  runner.reset();
  CHECK(Clock::now() - begin < 1min);
  gate->open();
}

TEST_CASE("a runner that ends while it logs what hangs leaves nothing behind") {
  constexpr int kCollectors = 40;  // so many that logging them takes longer than waking a thread
  const auto token = std::make_shared<int>();
  const auto hang = [token](Samples&, const Deadline& deadline) {
    exporter::pause(1h, deadline.stop());
  };
  std::vector<Collector> collectors;
  for (int i = 0; i < kCollectors; ++i) {
    collectors.push_back(in_background("hung" + std::to_string(i), {1ms, 1h}, hang));
    collectors.back().timeout = 10ms;
  }
  std::atomic<int> failures = 0;
  // Called with the lock held: during the first pause the other collectors exceed their timeouts,
  // during the last one the destructor waits for the lock.
  const auto count = [&](const Collector&, Reason) {
    const int number = ++failures;
    if (number == 1 || number == kCollectors) std::this_thread::sleep_for(200ms);
  };
  auto runner = std::make_unique<Runner>(std::move(collectors), Runner::Options{{}, count});
  REQUIRE(eventually([&] { return failures == kCollectors; }));
  runner.reset();
  CHECK(eventually([&] { return token.use_count() == 2; }));  // `token` and the copy in `hang`
}
