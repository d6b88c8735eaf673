#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "common/base/time_zone.h"
#include "common/sql/dialect.h"

namespace exporter::sql::business {

/// From `begin` until before `end`.
struct Period {
  Time begin, end;
  std::chrono::local_days day;  ///< the local one on which it begins
  bool operator==(const Period&) const = default;
};

/// The last hour of the zone's clocks that is over.
Period last_hour(const TimeZone& zone, Time now);

/// The local day that was `ago` days before the one of `now`: 1 is the last that is over.
Period local_day(const TimeZone& zone, Time now, int ago);

/// The same hour, or day, on the zone's clocks so many weeks before.
Period hour_weeks_before(const TimeZone& zone, const Period& hour, int weeks);
Period day_weeks_before(const TimeZone& zone, const Period& day, int weeks);

/// The median; nothing of fewer than three values.
std::optional<double> median(std::vector<double> values);

}  // namespace exporter::sql::business
