#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "common/base/deadline.h"
#include "common/metric/timed_samples.h"

namespace exporter {

/// Which part of a source's past is read, and how finely it is shown.
struct PastRange {
  std::chrono::sys_seconds from;
  /// Where it ends; at the latest where the collector began to count, so that its counters go on
  /// from there.
  std::optional<std::chrono::sys_seconds> to;
  std::chrono::seconds step;
};

/// Reads on in the past up to `until`, at most to where the range ends, and adds to `page` what a
/// scrape at each step would have shown.
using ReadPast = std::function<void(std::chrono::sys_seconds until, TimedSamples& page,
                                    const Deadline& deadline)>;

}  // namespace exporter
