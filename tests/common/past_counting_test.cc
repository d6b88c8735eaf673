#include "common/ledger/past_counting.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/common/ledger_fixture.h"

using namespace exporter;
using namespace std::chrono_literals;
using fixture::soon;

namespace {

constexpr auto kRuns = counter("test_runs_total", "Runs.", "state");
constexpr PastCounting::Time kFrom{1000s};

struct Ended {
  const char* id;
  PastCounting::Time at;
  const char* state;
};

/// Counts the events that ended by that time.
PastCounting::Count count(std::vector<Ended> all) {
  return [all = std::move(all)](Ledger::Run& run, PastCounting::Time by) {
    for (const auto& [id, at, state] : all) {
      if (at <= by) run.record(kRuns, {id, at}, 1, state);
    }
  };
}

void show(const Ledger& ledger, PastCounting::Time, Samples& samples) {
  ledger.add_to(samples, kRuns);
}

std::string written(TimedSamples& page) {
  std::string text;
  page.write([&](std::string_view piece) { text += piece; });
  return text;
}

const std::string kHeader = "# HELP test_runs Runs.\n# TYPE test_runs counter\n";

}  // namespace

TEST_CASE("the past is what scrapes at each step would have shown") {
  const auto counted = count({{"a", kFrom, "ok"},
                              {"b", kFrom + 50s, "ok"},
                              {"c", kFrom + 200s, "ok"},
                              {"d", kFrom + 201s, "failed"}});
  TimedSamples page;
  PastCounting past(kFrom, 100s);
  // Samples are at whole multiples of the step. A new series starts with 0 at the previous one.
  past.advance(kFrom + 250s, counted, &show, page, soon());
  CHECK(past.at() == kFrom + 250s);
  CHECK(written(page) == kHeader +
                             "test_runs_total{state=\"ok\"} 0 1001\n"
                             "test_runs_total{state=\"ok\"} 2 1100\n"
                             "test_runs_total{state=\"ok\"} 3 1200\n"
                             "test_runs_total{state=\"ok\"} 3 1250\n"
                             "test_runs_total{state=\"failed\"} 0 1200\n"
                             "test_runs_total{state=\"failed\"} 1 1250\n"
                             "# EOF\n");
  past.advance(kFrom + 250s, counted, &show, page, soon());
  CHECK(written(page).empty());
  past.advance(kFrom + 300s, counted, &show, page, soon());
  past.end(&show, page);
  CHECK(written(page) == kHeader +
                             "test_runs_total{state=\"ok\"} 3 1300\n"
                             "test_runs_total{state=\"ok\"} 0 1301\n"
                             "test_runs_total{state=\"failed\"} 1 1300\n"
                             "test_runs_total{state=\"failed\"} 0 1301\n"
                             "# EOF\n");
}

TEST_CASE("a step of the past that fails is counted when it is tried again") {
  const auto counted = count({{"a", kFrom + 50s, "ok"}});
  TimedSamples page;
  PastCounting past(kFrom, 100s);
  const PastCounting::Count failing = [&](Ledger::Run& run, PastCounting::Time by) {
    counted(run, by);
    throw Error(Reason::io, "gone");
  };
  CHECK_THROWS_WITH(past.advance(kFrom + 100s, failing, &show, page, soon()), "gone");
  CHECK(past.at() == kFrom);
  past.advance(kFrom + 100s, counted, &show, page, soon());
  CHECK(written(page) == kHeader +
                             "test_runs_total{state=\"ok\"} 0 1001\n"
                             "test_runs_total{state=\"ok\"} 1 1100\n"
                             "# EOF\n");
}
