#include "common/ledger/timeline.h"

#include <algorithm>

namespace exporter::ledger {
namespace {

constexpr Time kNever = Time::min();
constexpr Time::duration kNext{1};

/// A time that follows the newest event at a distance. At a jump it waits until the newest event
/// has moved by the distance once more.
Time follow(Time newest, Time::duration distance, const Timeline::Jump& jump) {
  return (newest - jump.to < distance ? jump.from : newest) - distance;
}

/// In whole steps, because each move deletes events.
Time whole_steps(Time time, Time::duration allowed_lateness) {
  const auto step = std::max<Time::duration>(allowed_lateness / 16, std::chrono::seconds(1));
  const auto since_1970 = time.time_since_epoch();
  return Time(since_1970 - (since_1970 % step + step) % step);
}

}  // namespace

Timeline Timeline::starting(Time since) {
  return {since, since, since, {since, since}, {since, since}, kNever, since};
}

void Timeline::set_clock(Time now, Time limit, Time::duration allowed_lateness) {
  if (ahead_to <= limit) watermark = std::max(watermark, ahead_to);
  if (ahead_to <= limit || now - ahead_since >= allowed_lateness) ahead_to = kNever;
  if (watermark <= limit) return;
  ahead_to = std::max(ahead_to, watermark);
  ahead_since = now;
  watermark = limit;
  since = std::min(since, limit - allowed_lateness);  // the start may have been ahead too
}

void Timeline::go_back_to(Time newest_known) {
  newest = std::max(newest_known, watermark);
  for (auto* jump : {&beyond_lateness, &beyond_retention}) {
    if (jump->to > newest) *jump = {since, since};
  }
}

void Timeline::advance(Time newest_reported, Time::duration allowed_lateness,
                       Time::duration retention) {
  const Jump move{newest, std::max(newest, newest_reported)};
  if (move.to - move.from > allowed_lateness) beyond_lateness = move;
  if (move.to - move.from > retention) beyond_retention = move;
  newest = move.to;
  const auto followed = follow(newest, allowed_lateness, beyond_lateness);
  watermark = std::max(watermark, whole_steps(followed, allowed_lateness));
}

Time Timeline::retained_from(Time::duration retention) const {
  return std::min(watermark, follow(newest, retention, beyond_retention));
}

void Timeline::compact_until(Time last, Time newest_reported, Time now, Time limit) {
  if (last > limit) {
    pass_over(last + kNext, now);
    last = newest_reported;
  }
  watermark = std::max(watermark, last + kNext);
}

void Timeline::pass_over(Time end, Time now) {
  ahead_to = std::max(ahead_to, end);
  ahead_since = now;
}

}  // namespace exporter::ledger
