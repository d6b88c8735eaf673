#include "exporters/sql/local_periods.h"

#include <catch2/catch.hpp>

#include "common/base/time.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono;

namespace {

Time at(std::string_view text) { return parse_rfc3339(text).value(); }

std::string text(const Period& period) {
  const auto of = [](Time time) { return format_rfc3339(floor<milliseconds>(time)).substr(0, 16); };
  return of(period.begin) + " " + of(period.end);
}

LocalPeriods berlin(minutes length, milliseconds delay = {}) {
  return {TimeZone::load("Europe/Berlin"), length, delay};
}

std::string week_before(const LocalPeriods& periods, std::string_view now, int weeks) {
  const auto period = weeks_before(periods, last_period(periods, at(now)), weeks);
  return period ? text(*period) : "none";
}

}  // namespace

TEST_CASE("the last period that has ended, by local time") {
  CHECK(text(last_period(berlin(1h), at("2026-06-01T10:00:00Z"))) ==
        "2026-06-01T09:00 2026-06-01T10:00");
  CHECK(text(last_period(berlin(1h), at("2026-06-01T09:59:59.999Z"))) ==
        "2026-06-01T08:00 2026-06-01T09:00");
  CHECK(text(last_period(berlin(24h), at("2026-06-01T10:00:00Z"))) ==
        "2026-05-30T22:00 2026-05-31T22:00");
  CHECK(text(last_period(berlin(6h), at("2026-06-01T10:00:00Z"))) ==
        "2026-06-01T04:00 2026-06-01T10:00");
  CHECK(text(last_period(berlin(24h, 14h), at("2026-06-01T11:00:00Z"))) ==
        "2026-05-29T22:00 2026-05-30T22:00");
  CHECK(text(last_period({TimeZone::load("Asia/Kolkata"), 1h, {}}, at("2026-06-01T10:05:00Z"))) ==
        "2026-06-01T08:30 2026-06-01T09:30");
  CHECK(text(last_period({TimeZone(), 15min, {}}, at("2026-06-01T10:14:00Z"))) ==
        "2026-06-01T09:45 2026-06-01T10:00");
}

TEST_CASE("the Monday after clocks changed is compared with the same local hour") {
  // 12:00 to 13:00 in Berlin, where summer time started on the 29th.
  const auto hours = berlin(1h);
  CHECK(text(last_period(hours, at("2026-03-30T11:05:00Z"))) ==
        "2026-03-30T10:00 2026-03-30T11:00");
  CHECK(week_before(hours, "2026-03-30T11:05:00Z", 1) == "2026-03-23T11:00 2026-03-23T12:00");
  CHECK(week_before(hours, "2026-03-30T11:05:00Z", 4) == "2026-03-02T11:00 2026-03-02T12:00");
  CHECK(week_before(hours, "2026-10-26T11:05:00Z", 1) == "2026-10-19T09:00 2026-10-19T10:00");
}

TEST_CASE("an hour that clocks leave out or repeat is no period, a day of 23 hours is one") {
  // The hour from 2:00 to 3:00 does not exist on 29 March, and takes two hours on 25 October.
  const auto hours = berlin(1h);
  CHECK(text(last_period(hours, at("2026-03-29T01:30:00Z"))) ==
        "2026-03-29T00:00 2026-03-29T01:00");
  CHECK(week_before(hours, "2026-04-05T01:00:00Z", 1) == "none");
  CHECK(text(last_period(hours, at("2026-10-25T02:30:00Z"))) ==
        "2026-10-24T23:00 2026-10-25T00:00");
  CHECK(week_before(hours, "2026-11-01T02:00:00Z", 1) == "none");
  CHECK(text(last_period(berlin(24h), at("2026-03-30T10:00:00Z"))) ==
        "2026-03-28T23:00 2026-03-29T22:00");
  CHECK(text(last_period(berlin(12h), at("2026-03-29T11:00:00Z"))) ==
        "2026-03-28T11:00 2026-03-28T23:00");
  // Samoa skipped 30 December 2011.
  const LocalPeriods apia{TimeZone::load("Pacific/Apia"), 24h, {}};
  CHECK(text(last_period(apia, at("2011-12-30T22:00:00Z"))) == "2011-12-29T10:00 2011-12-30T10:00");
}

TEST_CASE("bounds of local days, over a change of clocks") {
  const auto bounds = day_bounds(TimeZone::load("Europe/Berlin"), at("2026-03-31T12:00:00Z"), 1, 3);
  std::string all;
  for (const auto bound : bounds) {
    all += format_rfc3339(floor<milliseconds>(bound)).substr(5, 8) + " ";
  }
  CHECK(all == "03-27T23 03-28T23 03-29T22 03-30T22 ");
}

TEST_CASE("a local day has 23, 24 or 25 hours") {
  const auto zone = TimeZone::load("Europe/Berlin");
  CHECK(text(local_day(zone, at("2026-03-30T10:05:00Z"), 1)) ==
        "2026-03-28T23:00 2026-03-29T22:00");
  CHECK(text(local_day(zone, at("2026-10-25T23:30:00Z"), 1)) ==
        "2026-10-24T22:00 2026-10-25T23:00");
  // In Berlin, it is already the next day.
  CHECK(text(local_day(zone, at("2026-03-30T22:30:00Z"), 1)) ==
        "2026-03-29T22:00 2026-03-30T22:00");
  CHECK(local_day_of(zone, at("2026-03-30T22:30:00Z")) == local_days(2026y / 3 / 31));
  CHECK(week_before(berlin(24h), "2026-03-30T10:05:00Z", 1) == "2026-03-21T23:00 2026-03-22T23:00");
}

TEST_CASE("the median needs three values") {
  CHECK_FALSE(median({}));
  CHECK_FALSE(median({1, 2}));
  CHECK(median({9, 1, 4}) == 4);
  CHECK(median({9, 2, 4, 3}) == 3.5);
}
