#pragma once

#include <chrono>

namespace exporter::ledger {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Which events may be reported, and which are compacted; ledger.h explains time and clocks.
/// `limit` is the latest time that is not ahead of the clock.
struct Timeline {
  Time since;      ///< earlier events do not count
  Time watermark;  ///< earlier events are compacted
  Time newest;     ///< the newest event that is not ahead
  /// The last move of `newest`, by one commit, by more than the allowed lateness or the retention
  /// of series.
  struct Jump {
    Time from, to;
  };
  Jump beyond_lateness, beyond_retention;
  /// Events that are ahead and happened before `ahead_to` are compacted too, since the clock was at
  /// `ahead_since`.
  Time ahead_to, ahead_since;

  static Timeline starting(Time since);

  /// Call this first in a run.
  void set_clock(Time now, Time limit, Time::duration allowed_lateness);
  bool is_late(Time when, Time limit) const {
    return when < watermark || (when > limit && when < ahead_to);
  }
  /// Call this if `newest` is ahead, with the newest event that is not.
  void go_back_to(Time newest_known);
  /// Call this at a commit: moves the newest event, and the watermark with it.
  void advance(Time newest_reported, Time::duration allowed_lateness, Time::duration retention);
  /// Series whose last event is older than this are dropped.
  Time retained_from(Time::duration retention) const;
  /// Records that events until `last` were compacted early; `newest_reported` is not ahead.
  void compact_until(Time last, Time newest_reported, Time now, Time limit);
  /// Records that events that are ahead and happened before `end` were compacted early.
  void pass_over(Time end, Time now);
};

}  // namespace exporter::ledger
