#include "common/collect/schedule.h"

#include <catch2/catch.hpp>
#include <set>

using namespace exporter;
using namespace std::chrono_literals;

namespace {

const Clock::time_point kStart = Clock::time_point(100h);

/// The pauses after the first to the n-th failure in a row.
std::vector<Clock::duration> pauses(const Every& every, int count) {
  std::vector<Clock::duration> all;
  for (int failures = 1; failures <= count; ++failures) {
    all.push_back(next_due(every, {kStart, kStart, failures, {}}) - kStart);
  }
  return all;
}

Clock::duration next_instant(const Every& every, Finish last) {
  return next_due(every, last) - kStart;
}

}  // namespace

TEST_CASE("a run is due an interval after the end of the last one") {
  CHECK(next_due({1min, 0s}, {kStart, kStart + 5s, 0, {}}) == kStart + 65s);
}

TEST_CASE("after failures runs come later, up to the longest pause") {
  using Pauses = std::vector<Clock::duration>;
  CHECK(pauses({10s, 0s}, 6) == Pauses{10s, 20s, 40s, 80s, 80s, 80s});
  CHECK(pauses({15s, 0s, 30s}, 4) == Pauses{15s, 30s, 30s, 30s});
  CHECK(pauses({10s, 0s, 1h}, 11) ==
        Pauses{10s, 20s, 40s, 80s, 160s, 320s, 640s, 1280s, 2560s, 1h, 1h});
  // Never more often than without failures.
  CHECK(pauses({5min, 0s, 1min}, 3) == Pauses{5min, 5min, 5min});
}

TEST_CASE("a source is not asked before it allows it") {
  const auto allowed = kStart + 1h;
  CHECK(next_due({10s, 0s}, {kStart, kStart, 1, allowed}) == allowed);
  CHECK(next_due({10s, 0s}, {kStart, kStart, 1, kStart + 1s}) == kStart + 10s);
  CHECK(next_due({10s, 0s, {}, 7min}, {kStart, kStart, 1, allowed}) == kStart + 63min);
}

TEST_CASE("in a cycle intervals are whole cycles, and runs stay at its instants") {
  const Every hourly{.interval = 1h, .keep_stale_for = 0s, .cycle = 45min};
  CHECK(next_instant(hourly, {kStart, kStart + 2min, 0, {}}) == 90min);
  const Every often{.interval = 1min, .keep_stale_for = 0s, .cycle = 45min};
  CHECK(next_instant(often, {kStart, kStart + 2min, 0, {}}) == 45min);
  const Every exact{.interval = 45min, .keep_stale_for = 0s, .cycle = 45min};
  CHECK(next_instant(exact, {kStart, kStart + 2min, 0, {}}) == 45min);
  // A run that takes longer than a cycle skips instants.
  CHECK(next_instant(exact, {kStart, kStart + 100min, 0, {}}) == 135min);
  CHECK(next_instant(exact, {kStart, kStart + 45min, 0, {}}) == 90min);
  // Also after failures.
  CHECK(next_instant(exact, {kStart, kStart + 1min, 2, {}}) == 90min);
}

TEST_CASE("times beyond the end of time are the end of time") {
  const auto ever = Clock::duration::max();
  const auto end = Clock::time_point::max();
  CHECK(later(kStart, ever) == end);
  CHECK(next_due({ever, ever}, {kStart, kStart, 0, {}}) == end);
  CHECK(next_due({ever, ever}, {kStart, kStart, 5, {}}) == end);
  CHECK(next_due({ever, ever, ever}, {kStart, kStart, 5, {}}) == end);
  CHECK(next_due({ever, ever, {}, 1h}, {kStart, kStart, 0, {}}) == end);
  CHECK(next_due({1h, ever, {}, 1h}, {kStart, kStart, 0, end}) == end);
}

TEST_CASE("sums and products end at the longest duration") {
  const auto ever = Clock::duration::max();
  CHECK(sum(1h, 2min) == 62min);
  CHECK(sum(ever, 1ns) == ever);
  CHECK(sum(1ns, ever) == ever);
  CHECK(times(2h, 3) == 6h);
  CHECK(times(ever, 0) == 0s);
  CHECK(times(ever, 1) == ever);
  CHECK(times(ever / 3 + 1ns, 3) == ever);
}

TEST_CASE("first runs are spread, but for those of one source and cycle") {
  const auto collector = [](std::string source, Every every) {
    return Collector{.name = "a", .source = std::move(source), .schedule = every};
  };
  const auto begin = Clock::now();
  FirstRuns first;
  CHECK(first.of(Collector{}) == Clock::time_point::max());
  std::set<Clock::time_point> times;
  for (int i = 0; i < 20; ++i) {
    const auto at = first.of(collector("x", {1h, 0s}));
    CHECK(at >= begin);
    CHECK(at <= Clock::now() + 5s);
    times.insert(at);
  }
  CHECK(times.size() > 10);
  const Every cycle{.interval = 1h, .keep_stale_for = 0s, .cycle = 10min};
  const Every other{.interval = 3h, .keep_stale_for = 0s, .cycle = 10min};
  CHECK(first.of(collector("x", cycle)) == first.of(collector("x", other)));
  CHECK(first.of(collector("x", cycle)) != first.of(collector("y", cycle)));
}
