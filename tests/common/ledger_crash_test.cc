// A process that ends, a disk that is full and a power cut, at each write of a ledger.

#include <catch2/catch.hpp>
#include <memory>

#include "common/base/error.h"
#include "common/base/text.h"
#include "tests/common/ledger_fixture.h"
#include "tests/common/ledger_history.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/unreliable_disk.h"

using namespace exporter;
using fixture::soon;
using model::Model;

namespace {

constexpr std::size_t kRuns = 25;

/// One of this many operations is tested; all with LEDGER_ROUNDS=1000.
std::int64_t stride() {
  return std::max<std::int64_t>(1, 23 / static_cast<std::int64_t>(history::rounds()));
}

/// A source whose history is recorded in a ledger, run by run.
class Source {
 public:
  explicit Source(std::uint64_t seed) : runs_(history::runs(seed, kRuns)) {}

  std::unique_ptr<Ledger> open() const {
    return std::make_unique<Ledger>("test", directory_.path(), std::vector<Migration>{},
                                    history::kCreated);
  }

  /// Reads from the ledger's position to the end. Throws if the disk fails.
  void read(Ledger& ledger) {
    while (position_of(ledger) < kRuns) commit_next(ledger);
  }

  /// Checks that the ledger has all that was committed, and nothing of a run that was not.
  void check(Ledger& ledger) {
    const auto position = position_of(ledger);
    REQUIRE(position >= committed_);
    REQUIRE(position <= committed_ + 1);
    Model model(history::kCreated);
    for (std::size_t i = 0; i < position; ++i) {
      model.begin(runs_[i].options, runs_[i].now);
      history::apply(runs_[i], model);
      model.commit();
    }
    REQUIRE(history::page(ledger) == history::page(model));
    REQUIRE(ledger.figures()->open_events == model.figures().open_events);
    REQUIRE(ledger.figures()->watermark == model.figures().watermark);
    REQUIRE_FALSE(ledger.has_discarded_state());
  }

 private:
  std::size_t position_of(Ledger& ledger) const {
    auto run = ledger.begin(soon(), runs_[0].options, runs_[0].now);
    return parse_number<std::size_t>(run.metadata("position")).value_or(0);
  }

  void commit_next(Ledger& ledger) {
    const auto& next = runs_[position_of(ledger)];
    auto run = ledger.begin(soon(), next.options, next.now);
    const auto position = static_cast<std::size_t>(&next - runs_.data()) + 1;
    history::apply(next, run);
    run.set_metadata("position", std::to_string(position));
    run.commit();
    committed_ = position;
  }

  TemporaryDirectory directory_;
  std::vector<history::Run> runs_;
  std::size_t committed_ = 0;
};

/// For each operation, calls `arrange(disk, operation)`, reads a source and checks what is left,
/// until there are no more operations. Returns how often the process ended.
template <class Arrange>
int end_at_each(std::uint64_t seed, Arrange&& arrange) {
  int ended = 0;
  for (std::int64_t operation = 1;; operation += stride()) {
    INFO("seed " << seed << ", operation " << operation);
    Source source(seed);
    UnreliableDisk disk;
    arrange(disk, operation);
    try {
      const auto ledger = source.open();
      source.read(*ledger);
    } catch (const Error& error) {
      REQUIRE(error.reason() == Reason::io);
    }
    if (!disk.has_ended()) return ended;
    ++ended;
    disk.restart();
    const auto ledger = source.open();
    source.check(*ledger);
    source.read(*ledger);
    source.check(*ledger);
  }
}

}  // namespace

TEST_CASE("a process that ends at any write leaves what was committed") {
  CHECK(end_at_each(1, [](auto& disk, auto operation) { disk.kill(operation); }) > 5);
}

TEST_CASE("a power cut at any write leaves what was committed") {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    CHECK(end_at_each(seed, [&](auto& disk, auto operation) {
            disk.cut_power(operation, seed + static_cast<std::uint64_t>(operation));
          }) > 5);
  }
}

TEST_CASE("a run whose commit fails has compacted nothing") {
  constexpr auto kEvents = counter("test_events_total", "Events.");
  const Ledger::Options options = {.allowed_lateness = std::chrono::hours(1)};
  const auto at = [](int minutes) { return history::kCreated + std::chrono::minutes(minutes); };
  for (std::int64_t operation = 1;; ++operation) {
    INFO("operation " << operation);
    const TemporaryDirectory directory;
    UnreliableDisk disk;
    Ledger ledger("test", directory.path(), {}, history::kCreated);
    const auto report = [&](int from, int to, int minutes) {
      auto run = ledger.begin(soon(), options, at(60));
      for (int i = from; i < to; ++i) {
        run.record(kEvents, {"event " + std::to_string(i), at(minutes)}, 1);
      }
      run.record(kEvents, {"newest", at(60)}, 1);
      run.commit();
    };
    report(0, 60, 30);
    bool has_failed = false;
    disk.fail(disk.operations() + operation, 1);
    try {
      auto run = ledger.begin(soon(), options, at(120));
      run.record(kEvents, {"compacts", at(120)}, 1);
      run.commit();
    } catch (const Error&) {
      has_failed = true;
    }
    if (!has_failed) {
      CHECK(operation > 2);
      break;
    }
    report(0, 60, 30);
    report(60, 400, 31);  // the index grows
    report(0, 60, 30);
    REQUIRE(ledger.figures()->open_events == 401);
    REQUIRE(ledger.figures()->corrections == 0);
  }
}

TEST_CASE("a disk that is full for a while fails runs, and the ledger goes on") {
  for (std::int64_t operation = 1; operation < 500; operation += stride()) {
    INFO("operation " << operation);
    Source source(1);
    UnreliableDisk disk;
    disk.fail(operation, 1 + operation % 5);
    std::unique_ptr<Ledger> ledger;
    int failures = 0;
    for (bool done = false; !done; ++failures) {
      REQUIRE(failures < 20);
      try {
        if (!ledger) ledger = source.open();
        source.read(*ledger);
        done = true;
      } catch (const Error& error) {
        REQUIRE(error.reason() == Reason::io);
      }
    }
    source.check(*ledger);
    ledger.reset();
    ledger = source.open();
    source.check(*ledger);
  }
}
