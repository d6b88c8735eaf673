#include "tests/common/ledger_history.h"

#include <catch2/catch.hpp>
#include <memory>
#include <random>

#include "common/base/text.h"
#include "tests/common/ledger_fixture.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using fixture::soon;
using model::Model;

namespace {

constexpr std::chrono::microseconds kMicrosecond{1};

void check_figures(const Ledger::Figures& found, const Ledger::Figures& expected) {
  CHECK(found.started.time_since_epoch() / kMicrosecond ==
        expected.started.time_since_epoch() / kMicrosecond);
  CHECK(found.newest.time_since_epoch() / kMicrosecond ==
        expected.newest.time_since_epoch() / kMicrosecond);
  CHECK(found.watermark.time_since_epoch() / kMicrosecond ==
        expected.watermark.time_since_epoch() / kMicrosecond);
  CHECK(found.written.time_since_epoch() / kMicrosecond ==
        expected.written.time_since_epoch() / kMicrosecond);
  CHECK(found.series == expected.series);
  CHECK(found.open_events == expected.open_events);
  CHECK(found.corrections == expected.corrections);
  CHECK(found.late == expected.late);
  CHECK(found.ahead == expected.ahead);
  CHECK(found.dropped == expected.dropped);
  CHECK(found.compacted_early == expected.compacted_early);
}

std::map<std::string, std::string> metadata_of(Ledger::Run& run) {
  std::map<std::string, std::string> all;
  run.each_metadata("",
                    [&](std::string_view key, std::string_view text) { all.emplace(key, text); });
  return all;
}

/// How often each special case occurred; a history without one does not test it.
struct Met {
  std::int64_t late = 0, ahead = 0, dropped = 0, compacted_early = 0, corrections = 0,
               watermark_back = 0;

  void add(const Ledger::Figures& last) {
    late += last.late;
    ahead += last.ahead;
    dropped += last.dropped;
    compacted_early += last.compacted_early;
    corrections += last.corrections;
  }
  void check() const {
    for (const auto count : {late, ahead, dropped, compacted_early, corrections, watermark_back}) {
      CHECK(count > 0);
    }
  }
};

/// Applies the runs to a ledger and to the model, and compares the two. Some runs are abandoned,
/// and the ledger is reopened between some.
Met check_history(std::uint64_t seed, std::size_t count, const std::filesystem::path& directory) {
  std::mt19937_64 random(seed);
  const auto chance = [&](unsigned percent) { return random() % 100 < percent; };
  const auto open = [&] {
    return std::make_unique<Ledger>("test", directory, std::vector<Migration>{}, history::kCreated);
  };
  auto ledger = open();
  Model model(history::kCreated);
  Met met;
  std::size_t number = 0;
  for (const auto& run : history::runs(seed, count)) {
    INFO("LEDGER_SEED=" << seed << ", run " << number++);
    model.begin(run.options, run.now);
    const auto watermark = model.watermark();
    history::apply(run, model);
    {
      auto of_ledger = ledger->begin(soon(), run.options, run.now);
      CHECK(metadata_of(of_ledger) == model.metadata());
      history::apply(run, of_ledger);
      if (chance(10)) {
        model.abandon();
      } else {
        model.commit();
        of_ledger.commit();
      }
    }
    if (model.watermark() < watermark) ++met.watermark_back;
    REQUIRE(history::page(*ledger) == history::page(model));
    check_figures(ledger->figures().value(), model.figures());
    if (!directory.empty() && chance(15)) {
      ledger.reset();
      ledger = open();
      check_figures(ledger->figures().value(), model.figures());
    }
  }
  met.add(model.figures());
  return met;
}

}  // namespace

TEST_CASE("a ledger keeps its promises, whatever is reported by whatever clocks") {
  Met met;
  for (std::uint64_t i = 0; i < 40 * history::rounds(); ++i) {
    const auto more = check_history(history::first_seed() + i, 200, {});
    met.late += more.late;
    met.ahead += more.ahead;
    met.dropped += more.dropped;
    met.compacted_early += more.compacted_early;
    met.corrections += more.corrections;
    met.watermark_back += more.watermark_back;
  }
  met.check();
}

TEST_CASE("a ledger that is closed and opened again keeps its promises") {
  for (std::uint64_t i = 0; i < 4 * history::rounds(); ++i) {
    const TemporaryDirectory directory;
    check_history(history::first_seed() + i, 200, directory.path());
  }
}
