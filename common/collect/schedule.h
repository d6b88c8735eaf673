#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/collect/collector.h"

namespace exporter {

/// How a background run ended, as far as the time of the next one depends on it.
struct Finish {
  Clock::time_point due;                             ///< when the run was due
  Clock::time_point at;                              ///< when it ended
  int failures = 0;                                  ///< in a row, this one included
  std::optional<Clock::time_point> not_before = {};  ///< what the source asked for
};

/// When the next run is due: an interval after the end of the last one or, with a cycle, at one of
/// its instants; later after failures, and never before the source allows it.
Clock::time_point next_due(const Every& every, const Finish& last);

/// When collectors run for the first time: spread over a tenth of their interval, at most 5 s, so
/// that a restart of many exporters is no thundering herd; those of one source and cycle at once.
class FirstRuns {
 public:
  /// The end of time for one that runs on scrape.
  Clock::time_point of(const Collector& collector);

 private:
  const Clock::time_point start_ = Clock::now();
  std::map<std::pair<std::string, Clock::duration>, Clock::time_point> cycles_;
};

/// The sum, or the last point in time where that is beyond it.
Clock::time_point later(Clock::time_point time, Clock::duration duration);

/// Of durations that are not negative: the sum or the product, or the longest duration where that
/// is beyond it.
Clock::duration sum(Clock::duration one, Clock::duration other);
Clock::duration times(Clock::duration duration, Clock::rep count);

}  // namespace exporter
