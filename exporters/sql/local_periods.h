#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "common/base/time_zone.h"
#include "common/sql/dialect.h"

namespace exporter::sql {

/// From `begin` until before `end`.
struct Period {
  Time begin, end;
  bool operator==(const Period&) const = default;
};

/// Days in a time zone, or equal parts of days.
struct LocalPeriods {
  TimeZone zone;
  std::chrono::minutes length;      ///< must divide a day
  std::chrono::milliseconds delay;  ///< the latency of a period's rows
};

/// The last period that ended at least the delay before `now`. Skips parts of a day in which clocks
/// change.
Period last_period(const LocalPeriods& periods, Time now);

/// The same local period `weeks` weeks earlier; nothing if clocks change in that part of the day.
std::optional<Period> weeks_before(const LocalPeriods& periods, const Period& period, int weeks);

/// The day of an instant in the zone.
std::chrono::local_days local_day_of(const TimeZone& zone, Time time);

/// The day in the zone that is `ago` days before that of `now`: 1 is the last complete day.
Period local_day(const TimeZone& zone, Time now, int ago);

/// The starts of the days from `from` to `to` days before today, the newest last, and the end of
/// the newest.
std::vector<Time> day_bounds(const TimeZone& zone, Time now, int from, int to);

/// The middle value, or the mean of the two in the middle; nothing for fewer than three.
std::optional<double> median(std::vector<double> values);

}  // namespace exporter::sql
