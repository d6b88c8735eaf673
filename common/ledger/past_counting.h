#pragma once

#include <chrono>
#include <functional>

#include "common/base/deadline.h"
#include "common/ledger/ledger.h"
#include "common/metric/timed_samples.h"

namespace exporter {

/// Reconstructs what counters would have shown in the past if scraped at each step: passes events
/// through an in-memory ledger in the order of their times.
class PastCounting {
 public:
  using Time = std::chrono::sys_seconds;
  /// Records in the run the events that happened by then.
  using Count = std::function<void(Ledger::Run& run, Time by)>;
  /// Adds the samples of that time.
  using Show = std::function<void(const Ledger& ledger, Time at, Samples& samples)>;

  /// Counts events from then on.
  PastCounting(Time from, std::chrono::seconds step);

  /// The time that has been reached.
  Time at() const { return at_; }

  /// Continues up to and including `until`. Throws what the functions and the ledger do.
  void advance(Time until, const Count& count, const Show& show, TimedSamples& page,
               const Deadline& deadline);

  /// Adds that the counters start again at 0, at the time from which the exporter counts.
  void end(const Show& show, TimedSamples& page) const;

 private:
  const std::chrono::seconds step_;
  Time at_;
  Time shown_;  ///< the last time that was shown
  Ledger ledger_;
};

}  // namespace exporter
