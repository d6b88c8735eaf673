#pragma once

#include <chrono>

namespace exporter::ledger {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// Which of a source's events may be reported, and which are compacted: what ledger.h says of time
/// and clocks. `limit` is the latest time that is not ahead of the clock.
struct Timeline {
  Time since;      ///< what happened before does not count
  Time watermark;  ///< what happened before is compacted
  Time newest;     ///< of all events, as far as they are not ahead
  /// The last move of `newest` by one commit that was farther than the allowed lateness, or than
  /// the retention of series.
  struct Jump {
    Time from, to;
  };
  Jump beyond_lateness, beyond_retention;
  /// What is ahead and happened before `ahead_to` is compacted too, since `ahead_since` of the
  /// clock.
  Time ahead_to, ahead_since;

  static Timeline starting(Time since);

  /// Before anything else of a run.
  void set_clock(Time now, Time limit, Time::duration allowed_lateness);
  bool is_late(Time when, Time limit) const {
    return when < watermark || (when > limit && when < ahead_to);
  }
  /// For when `newest` is ahead: the newest that is not.
  void go_back_to(Time newest_known);
  /// At a commit: the newest event that is not ahead, and the watermark with it.
  void advance(Time newest_reported, Time::duration allowed_lateness, Time::duration retention);
  /// Series whose last event is older are dropped.
  Time retained_from(Time::duration retention) const;
  /// What happened until `last` was compacted early; `newest_reported` is not ahead.
  void compact_until(Time last, Time newest_reported, Time now, Time limit);
  /// What is ahead and happened before `end` was compacted early.
  void pass_over(Time end, Time now);
};

}  // namespace exporter::ledger
