#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "common/base/deadline.h"
#include "common/metric/timed_samples.h"

namespace exporter {

/// The part of a source's past to read, and its resolution.
struct PastRange {
  std::chrono::sys_seconds from;
  /// The end of the range; never after the time at which the collector started to count, so that
  /// its counters continue from there.
  std::optional<std::chrono::sys_seconds> to;
  std::chrono::seconds step;
};

/// Reads the past up to `until`, but not beyond the end of the range, and adds to `page` what a
/// scrape at each step would have shown.
using ReadPast = std::function<void(std::chrono::sys_seconds until, TimedSamples& page,
                                    const Deadline& deadline)>;

}  // namespace exporter
