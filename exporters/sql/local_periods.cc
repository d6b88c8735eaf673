#include "exporters/sql/local_periods.h"

#include <algorithm>

namespace exporter::sql {
namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;

constexpr std::size_t kFewest = 3;

local_seconds local_of(const TimeZone& zone, Time time) {
  const auto whole = std::chrono::floor<seconds>(time);
  return local_seconds(whole.time_since_epoch() + zone.offset_at(whole));
}

Time instant_of(const TimeZone& zone, local_seconds local) {
  return zone.moment_of(local, TimeZone::Twice::first);
}

/// A day counts whatever its length; a day that the zone skipped does not exist.
std::optional<Period> period_at(const LocalPeriods& periods, local_seconds begin) {
  const Period period{instant_of(periods.zone, begin),
                      instant_of(periods.zone, begin + periods.length)};
  const auto length = period.end - period.begin;
  const bool is_one = periods.length == days(1) ? length > seconds(0) : length == periods.length;
  if (!is_one) return std::nullopt;
  return period;
}

}  // namespace

Period last_period(const LocalPeriods& periods, Time now) {
  const auto local = local_of(periods.zone, now - periods.delay);
  const auto day = std::chrono::floor<days>(local);
  auto begin = day + (local - day) / periods.length * periods.length;
  while (true) {
    begin -= periods.length;
    const auto period = period_at(periods, begin);
    if (period) return *period;
  }
}

std::optional<Period> weeks_before(const LocalPeriods& periods, const Period& period, int weeks) {
  return period_at(periods, local_of(periods.zone, period.begin) - weeks * std::chrono::weeks(1));
}

std::chrono::local_days local_day_of(const TimeZone& zone, Time time) {
  return std::chrono::floor<days>(local_of(zone, time));
}

Period local_day(const TimeZone& zone, Time now, int ago) {
  const auto bounds = day_bounds(zone, now, ago, ago);
  return {bounds.front(), bounds.back()};
}

std::vector<Time> day_bounds(const TimeZone& zone, Time now, int from, int to) {
  const auto today = local_day_of(zone, now);
  std::vector<Time> bounds;
  for (int before = to; before >= from - 1; --before) {
    bounds.push_back(instant_of(zone, local_seconds(today - days(before))));
  }
  return bounds;
}

std::optional<double> median(std::vector<double> values) {
  if (values.size() < kFewest) return std::nullopt;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace exporter::sql
