#pragma once

#include <chrono>
#include <functional>

#include "common/base/deadline.h"
#include "common/ledger/ledger.h"
#include "common/metric/timed_samples.h"

namespace exporter {

/// What counters would have shown in the past, had they been scraped at each step: events go
/// through a ledger in memory in the order of their time.
class PastCounting {
 public:
  using Time = std::chrono::sys_seconds;
  /// Records in the run what has happened by then.
  using Count = std::function<void(Ledger::Run& run, Time by)>;
  /// Adds what is shown at that time.
  using Show = std::function<void(const Ledger& ledger, Time at, Samples& samples)>;

  /// The ledger counts what happened from then on.
  PastCounting(Time from, std::chrono::seconds step);

  /// Up to where it has got.
  Time at() const { return at_; }

  /// Goes on up to `until`, which is shown, too. Throws what the functions and the ledger do.
  void advance(Time until, const Count& count, const Show& show, TimedSamples& page,
               const Deadline& deadline);

  /// Says that what counts starts again at 0, where the exporter has counted from.
  void end(const Show& show, TimedSamples& page) const;

 private:
  const std::chrono::seconds step_;
  Time at_;
  Time shown_;  ///< the last time that was shown
  Ledger ledger_;
};

}  // namespace exporter
