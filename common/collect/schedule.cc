#include "common/collect/schedule.h"

#include <algorithm>
#include <random>

namespace exporter {
namespace {

constexpr int kMaxDoublings = 3;

Clock::duration doubled(Clock::duration duration, int doublings) {
  return times(duration, 1 << std::clamp(doublings, 0, kMaxDoublings));
}

/// With `longest_pause`, the pause doubles until it reaches that.
Clock::duration pause_after(const Every& every, int failures) {
  if (failures <= 1) return every.interval;
  if (every.longest_pause == Clock::duration::zero()) return doubled(every.interval, failures - 1);
  auto pause = every.interval;
  for (int i = 1; i < failures && pause < every.longest_pause; ++i) pause = doubled(pause, 1);
  return std::max(every.interval, std::min(pause, every.longest_pause));
}

/// The first of `from`, `from` + cycle, ... that is not before `earliest`.
Clock::time_point first_instant(Clock::time_point from, Clock::duration cycle,
                                Clock::time_point earliest) {
  if (earliest <= from) return from;
  const auto cycles = (earliest - from - Clock::duration(1)) / cycle + 1;
  return cycles > (Clock::time_point::max() - from) / cycle ? Clock::time_point::max()
                                                            : from + cycle * cycles;
}

Clock::duration jitter(Clock::duration interval) {
  const auto most = std::min<Clock::duration>(interval / 10, std::chrono::seconds(5));
  thread_local std::minstd_rand random(std::random_device{}());
  return std::chrono::duration_cast<Clock::duration>(
      most * std::uniform_real_distribution<double>(0, 1)(random));
}

}  // namespace

Clock::time_point FirstRuns::of(const Collector& collector) {
  const auto* every = std::get_if<Every>(&collector.schedule);
  if (every == nullptr) return Clock::time_point::max();
  if (every->cycle == Clock::duration::zero()) return start_ + jitter(every->interval);
  const auto [at, is_new] = cycles_.try_emplace({collector.source, every->cycle});
  if (is_new) at->second = start_ + jitter(every->cycle);
  return at->second;
}

Clock::time_point later(Clock::time_point time, Clock::duration duration) {
  if (duration > Clock::time_point::max() - time) return Clock::time_point::max();
  return time + duration;
}

Clock::duration sum(Clock::duration one, Clock::duration other) {
  return one > Clock::duration::max() - other ? Clock::duration::max() : one + other;
}

Clock::duration times(Clock::duration duration, Clock::rep count) {
  if (count == 0) return Clock::duration::zero();
  return duration > Clock::duration::max() / count ? Clock::duration::max() : duration * count;
}

Clock::time_point next_due(const Every& every, const Finish& last) {
  const auto pause = pause_after(every, last.failures);
  if (every.cycle == Clock::duration::zero()) {
    const auto due = later(last.at, pause);
    return last.not_before ? std::max(due, *last.not_before) : due;
  }
  auto earliest = std::max(later(last.due, pause), last.at + Clock::duration(1));
  if (last.not_before) earliest = std::max(earliest, *last.not_before);
  return first_instant(last.due, every.cycle, earliest);
}

}  // namespace exporter
