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

/// Days of a zone, or equal parts of them.
struct LocalPeriods {
  TimeZone zone;
  std::chrono::minutes length;      ///< divides a day
  std::chrono::milliseconds delay;  ///< that a period's rows may take to come in
};

/// The last period that has ended at least the delay before `now`. A part of a day that clocks make
/// longer or shorter is none.
Period last_period(const LocalPeriods& periods, Time now);

/// The same local period `weeks` weeks before; nothing where clocks changed in that part of a day.
std::optional<Period> weeks_before(const LocalPeriods& periods, const Period& period, int weeks);

/// The day of the zone on which an instant lies.
std::chrono::local_days local_day_of(const TimeZone& zone, Time time);

/// The day of the zone that was `ago` days before the one of `now`: 1 is the last that is over.
Period local_day(const TimeZone& zone, Time now, int ago);

/// The instants at which the days from `from` to `to` days before today begin, the newest last, and
/// the one at which the newest ends.
std::vector<Time> day_bounds(const TimeZone& zone, Time now, int from, int to);

/// The middle one of the values, or the mean of the two in the middle; nothing of fewer than three.
std::optional<double> median(std::vector<double> values);

}  // namespace exporter::sql
