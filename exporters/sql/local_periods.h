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

/// The instants at which the days from `from` to `to` days before today begin, the newest last, and
/// the one at which the newest ends.
std::vector<Time> day_bounds(const TimeZone& zone, Time now, int from, int to);

/// The middle one of the values, or the mean of the two in the middle; there is one at least.
double median(std::vector<double> values);

}  // namespace exporter::sql
