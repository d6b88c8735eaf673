#include "common/collect/runner.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/common/runner_fixture.h"

using namespace exporter;
using namespace runner_fixture;

namespace {

/// A value of a thread whose destruction takes a while.
struct Kept {
  ~Kept() {
    std::this_thread::sleep_for(100ms);
    if (is_used) ++given_back;
  }
  bool is_used = false;
  static std::atomic<int> given_back;
};
std::atomic<int> Kept::given_back = 0;

}  // namespace

TEST_CASE("a run says what of its source is not as it should be") {
  const auto note_of = [](const CollectFunction& collect) {
    Runner runner({on_scrape("a", collect)}, uncounted());
    const std::size_t all[] = {0};
    return runner.collect(all, soon())[0].status->note;
  };
  CHECK(note_of([](Samples&, const Deadline&) {}) == "");
  CHECK(note_of([](Samples& samples, const Deadline&) { samples.set_note("n"); }) == "n");
  CHECK(note_of([](Samples& samples, const Deadline&) {
          samples.set_note("n");
          samples.note_malformed_row("r");
          samples.note_malformed_row("s");
        }) == "n; malformed rows left out, the first: r");
}

TEST_CASE("the threads of a runner have ended when it has") {
  const auto before = Kept::given_back.load();
  {
    Runner runner({on_scrape("a",
                             [](Samples& samples, const Deadline&) {
                               thread_local Kept kept;
                               kept.is_used = true;
                               samples.add(kRun, 1);
                             })},
                  uncounted());
    runner.collect(kFirst, soon());
  }
  CHECK(Kept::given_back == before + 1);
}

TEST_CASE("a scrape gets a run that began after it asked") {
  const auto runs = count();
  Runner runner({on_scrape("a", numbered(runs))}, uncounted());
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 1\n");
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 2\n");
  CHECK(*runs == 2);
}

TEST_CASE("scrapes that wait at the same time share one run") {
  Gate gate;
  const auto runs = count();
  Runner runner({on_scrape("a",
                           [&, runs](Samples& samples, const Deadline&) {
                             if (++*runs == 1) gate.pass();
                             samples.add(kRun, *runs);
                           })},
                uncounted());
  std::thread first([&] { runner.collect(kFirst, soon()); });
  gate.wait_for_arrivals(1);
  std::vector<std::thread> others;
  std::atomic<int> asking = 0;
  for (int i = 0; i < 20; ++i) {
    others.emplace_back([&] {
      ++asking;
      runner.collect(kFirst, soon());
    });
  }
  while (asking < 20) std::this_thread::yield();
  std::this_thread::sleep_for(100ms);  // until the last of them waits
  gate.open();
  first.join();
  for (auto& other : others) other.join();
  CHECK(*runs <= 3);
}

TEST_CASE("what waits for nothing runs in the thread of the scrape, and two scrapes share it") {
  Gate gate;
  const auto runs = count();
  std::vector<std::thread::id> ran_in;
  auto known = on_scrape("a", [&, runs](Samples& samples, const Deadline&) {
    ran_in.push_back(std::this_thread::get_id());  // one run at a time
    if (++*runs == 2) gate.pass();
    samples.add(kRun, *runs);
  });
  known.schedule = OnScrape{.waits_for_nothing = true};
  Runner runner({known}, uncounted());
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 1\n");
  CHECK(ran_in == std::vector{std::this_thread::get_id()});

  std::thread first([&] { runner.collect(kFirst, soon()); });
  gate.wait_for_arrivals(1);
  std::thread second([&] { runner.collect(kFirst, soon()); });
  std::this_thread::sleep_for(50ms);
  gate.open();
  first.join();
  second.join();
  CHECK(*runs == 3);  // the second scrape asked after the first one's run had started
}

TEST_CASE("a scrape runs what waits for nothing once, whoever else asks for it meanwhile") {
  const auto scraper = std::this_thread::get_id();
  Runner* asked = nullptr;
  std::atomic<int> runs_of_scraper = 0;
  std::vector<std::thread> others;
  auto known = on_scrape("a", [&](Samples&, const Deadline&) {
    if (std::this_thread::get_id() != scraper) return;
    if (++runs_of_scraper > 3) return;  // it would go on as long as others ask
    others.emplace_back([&] { asked->collect(kFirst, soon()); });
    std::this_thread::sleep_for(50ms);
  });
  known.schedule = OnScrape{.waits_for_nothing = true};
  Runner runner({known}, uncounted());
  asked = &runner;
  runner.collect(kFirst, soon());
  CHECK(runs_of_scraper == 1);
  for (auto& other : others) other.join();
}

TEST_CASE("a collector that hangs costs a scrape its own samples, and recovers") {
  Gate gate;
  Failures failures;
  const auto runs = count();
  std::atomic<bool> hang = true;
  std::vector<Collector> collectors;
  collectors.push_back(on_scrape("hung", [&](Samples& samples, const Deadline&) {
    if (hang) gate.pass();
    samples.add(kRun, 100);
  }));
  for (int i = 0; i < 5; ++i) {
    collectors.push_back(on_scrape("good" + std::to_string(i), numbered(runs)));
  }
  Runner runner(std::move(collectors), failures.options());
  std::vector<std::size_t> all(6);
  std::iota(all.begin(), all.end(), 0);
  for (int scrape = 0; scrape < 2; ++scrape) {
    const auto views = runner.collect(all, Clock::now() + 1s);
    CHECK(page(views[0]).empty());
    CHECK(views[0].status->outcome == Status::Outcome::failure);
    CHECK(views[0].status->reason == Reason::timeout);
    CHECK(views[0].status->error == "did not finish before the scrape's deadline");
    for (std::size_t i = 1; i < 6; ++i) {
      CHECK(views[i].status->outcome == Status::Outcome::success);
      CHECK(views[i].snapshot != nullptr);
    }
  }
  hang = false;
  gate.open();
  CHECK(page(runner.collect(all, soon())[0]) == kHeader + "demo_run 100\n");
  CHECK(failures.counts().empty());
}

TEST_CASE("a scrape that does not wait changes nothing for others") {
  Gate gate;
  Failures failures;
  std::atomic<bool> hang = false;
  Runner runner({on_scrape("a",
                           [&](Samples& samples, const Deadline&) {
                             if (hang) gate.pass();
                             samples.add(kRun, 1);
                           })},
                failures.options());
  runner.collect(kFirst, soon());
  const auto before = runner.views()[0];
  hang = true;
  for (int i = 0; i < 20; ++i) {
    const auto late = runner.collect(kFirst, Clock::now() + 1ms)[0];
    CHECK(late.snapshot == nullptr);
    CHECK(late.status->reason == Reason::timeout);
  }
  CHECK(runner.views()[0].status == before.status);
  CHECK(runner.views()[0].snapshot == before.snapshot);
  CHECK(failures.counts().empty());
  gate.open();
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 1\n");
}

TEST_CASE("a run that outlasts its timeout has failed until it ends, and is counted once") {
  Gate gate;
  Failures failures;
  std::atomic<bool> hang = true;
  auto stuck = on_scrape("stuck", [&](Samples& samples, const Deadline&) {
    if (!hang) return samples.add(kRun, 1);
    gate.pass();
    throw Error(Reason::timeout, "deadline passed");
  });
  stuck.timeout = 10ms;
  Runner runner({stuck}, failures.options());
  // The scrape ends at the collector's timeout, before its own deadline.
  const auto late = runner.collect(kFirst, soon())[0].status;
  CHECK(late->error == "did not finish within its timeout, and still runs");
  CHECK(runner.views()[0].status == late);
  gate.open();
  REQUIRE(eventually([&] { return runner.views()[0].status != late; }));
  const auto ended = runner.views()[0].status;
  CHECK(ended->reason == Reason::timeout);
  CHECK(ended->error == late->error);
  CHECK(failures.counts() == std::map<std::string, int>{{"stuck timeout", 1}});
  CHECK(runner.histories()[0].size() == 1);
  hang = false;
  CHECK(page(runner.collect(kFirst, soon())[0]) == kHeader + "demo_run 1\n");
}

TEST_CASE("a failed run publishes nothing, says why, and keeps the time of the last success") {
  Failures failures;
  std::atomic<bool> fail = false;
  Runner runner({on_scrape("a",
                           [&](Samples& samples, const Deadline&) {
                             samples.add(kRun, 1);
                             if (fail) throw Error(Reason::decode, "file:3: expected a number");
                           })},
                failures.options());
  const auto good = runner.collect(kFirst, soon())[0];
  fail = true;
  const auto bad = runner.collect(kFirst, soon())[0];
  CHECK(bad.snapshot == nullptr);
  CHECK(bad.status->error == "file:3: expected a number");
  CHECK(bad.status->samples == 0);
  CHECK(bad.status->last_success_unix == good.status->last_success_unix);
  CHECK(failures.counts() == std::map<std::string, int>{{"a decode", 1}});
}

TEST_CASE("a run fails by whatever a collector throws") {
  Failures failures;
  Runner runner({on_scrape("alien", [](Samples&, const Deadline&) { throw 1; }),
                 on_scrape("large", [](Samples&, const Deadline&) { throw std::bad_alloc(); })},
                failures.options());
  const std::size_t both[] = {0, 1};
  const auto views = runner.collect(both, soon());
  CHECK(views[0].status->error == "an exception of unknown type");
  CHECK(views[1].status->error == "std::bad_alloc");
  CHECK(failures.counts() ==
        std::map<std::string, int>{{"alien internal", 1}, {"large internal", 1}});
}

TEST_CASE("a run can fail and yet publish what is right") {
  Failures failures;
  Runner runner({on_scrape("a",
                           [&](Samples& samples, const Deadline&) {
                             samples.add(kRun, 1);
                             samples.set_failure(Error(Reason::connect, "refused"));
                           })},
                failures.options());
  const auto view = runner.collect(kFirst, soon())[0];
  CHECK(page(view) == kHeader + "demo_run 1\n");
  CHECK(view.status->outcome == Status::Outcome::failure);
  CHECK(view.status->error == "refused");
  CHECK(view.status->samples == 1);
  CHECK(view.status->last_success_unix == 0);
  CHECK(failures.counts() == std::map<std::string, int>{{"a connect", 1}});
}

TEST_CASE("a page that does not change keeps its rendered forms") {
  Runner runner({on_scrape("a", [](Samples& samples, const Deadline&) { samples.add(kRun, 7); })},
                uncounted());
  const auto one = runner.collect(kFirst, soon())[0].snapshot;
  const auto two = runner.collect(kFirst, soon())[0].snapshot;
  CHECK(one == two);
}

TEST_CASE("the samples of a source must carry its label") {
  static constexpr auto kOfSource = gauge("demo_of_source", "Of a source.", "place");
  const auto of = [&](const char* value) {
    auto collector = on_scrape(
        "a", [value](Samples& samples, const Deadline&) { samples.add(kOfSource, 1, value); });
    collector.source = "x";
    Runner runner({collector}, uncounted("place"));
    return runner.collect(kFirst, soon())[0].status->error;
  };
  CHECK(of("x").empty());
  CHECK(of("y") == "demo_of_source: a series without the label place=\"x\"");
}

TEST_CASE("the last runs are remembered, and of those before the last failures") {
  std::atomic<int> runs = 0;
  Runner runner({on_scrape("a",
                           [&](Samples& samples, const Deadline& deadline) {
                             samples.add(kRun, 1);
                             for (int i = 0; i < 2; ++i) deadline.count_request();
                             if (++runs % 3 == 0) {
                               throw Error(Reason::io, "run " + std::to_string(runs.load()));
                             }
                           })},
                uncounted());
  for (int i = 0; i < 40; ++i) runner.collect(kFirst, soon());
  std::vector<std::string> errors;
  const auto histories = runner.histories();
  for (const auto& run : histories[0]) {
    CHECK(run.success == run.error.empty());
    CHECK(run.samples == (run.success ? 1 : 0));
    CHECK(run.requests == 2);
    errors.push_back(run.error);
  }
  CHECK(errors == std::vector<std::string>{"", "run 39", "", "", "run 36", "", "", "run 33", "", "",
                                           "run 30", "run 27", "run 24", "run 21", "run 18"});
}
