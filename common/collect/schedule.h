#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/collect/collector.h"

namespace exporter {

/// What the time of the next background run depends on.
struct Finish {
  Clock::time_point due;                             ///< when the run was due
  Clock::time_point at;                              ///< when it ended
  int failures = 0;                                  ///< in a row, this one included
  std::optional<Clock::time_point> not_before = {};  ///< set by the source
};

/// When the next run is due: an interval after the end of the last one or, with a cycle, at one of
/// its instants; later after failures, and never earlier than the source allows.
Clock::time_point next_due(const Every& every, const Finish& last);

/// When collectors run for the first time: spread over a tenth of their interval, at most 5 s, to
/// avoid a thundering herd when many exporters restart; those of one source and cycle together.
class FirstRuns {
 public:
  /// The end of time for a collector that runs on scrape.
  Clock::time_point of(const Collector& collector);

 private:
  const Clock::time_point start_ = Clock::now();
  std::map<std::pair<std::string, Clock::duration>, Clock::time_point> cycles_;
};

/// The sum, or the maximum if it would overflow.
Clock::time_point later(Clock::time_point time, Clock::duration duration);

/// The sum and the product of nonnegative durations, or the maximum if they would overflow.
Clock::duration sum(Clock::duration one, Clock::duration other);
Clock::duration times(Clock::duration duration, Clock::rep count);

}  // namespace exporter
