#include "exporters/sql/business/periods.h"

#include <algorithm>

namespace exporter::sql::business {
namespace {

using std::chrono::days;
using std::chrono::floor;
using std::chrono::hours;
using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::size_t kFewest = 3;
constexpr auto kFirst = TimeZone::Twice::first;

local_seconds local_time(const TimeZone& zone, sys_seconds time) {
  return local_seconds((time + zone.offset_at(time)).time_since_epoch());
}

Period day_of(const TimeZone& zone, local_days day) {
  return {zone.moment_of(day, kFirst), zone.moment_of(day + days(1), kFirst), day};
}

}  // namespace

Period last_hour(const TimeZone& zone, Time now) {
  const auto second = floor<seconds>(now);
  const auto local = local_time(zone, second);
  const sys_seconds end = second - (local - floor<hours>(local));
  const auto begin = end - hours(1);
  return {begin, end, floor<days>(local_time(zone, begin))};
}

Period local_day(const TimeZone& zone, Time now, int ago) {
  return day_of(zone, floor<days>(local_time(zone, floor<seconds>(now))) - days(ago));
}

Period hour_weeks_before(const TimeZone& zone, const Period& hour, int weeks) {
  const auto local = local_time(zone, floor<seconds>(hour.begin)) - days(7 * weeks);
  const auto begin = zone.moment_of(local, kFirst);
  return {begin, begin + hours(1), floor<days>(local)};
}

Period day_weeks_before(const TimeZone& zone, const Period& day, int weeks) {
  return day_of(zone, day.day - days(7 * weeks));
}

std::optional<double> median(std::vector<double> values) {
  if (values.size() < kFewest) return std::nullopt;
  std::ranges::sort(values);
  const auto middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

}  // namespace exporter::sql::business
