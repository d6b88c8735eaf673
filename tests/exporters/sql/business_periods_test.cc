#include <catch2/catch.hpp>

#include "common/base/time.h"
#include "exporters/sql/business/baseline.h"
#include "exporters/sql/business/periods.h"

using namespace exporter;
using namespace exporter::sql;
using namespace exporter::sql::business;
using namespace std::chrono_literals;

namespace {

Time at(std::string_view text) { return *parse_rfc3339(text); }

std::string text(const business::Period& period) {
  const auto of = [](Time time) {
    return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time)).substr(0, 16);
  };
  return of(period.begin) + " " + of(period.end);
}

const TimeZone kBerlin = TimeZone::load("Europe/Berlin");

}  // namespace

TEST_CASE("the last hour is one of the zone's clocks") {
  CHECK(text(last_hour(kBerlin, at("2026-03-30T10:05:30Z"))) ==
        "2026-03-30T09:00 2026-03-30T10:00");
  CHECK(text(last_hour(kBerlin, at("2026-03-30T10:00:00Z"))) ==
        "2026-03-30T09:00 2026-03-30T10:00");
  const auto kolkata = TimeZone::load("Asia/Kolkata");
  CHECK(text(last_hour(kolkata, at("2026-03-30T10:05:00Z"))) ==
        "2026-03-30T08:30 2026-03-30T09:30");
}

TEST_CASE("an hour weeks before is the same on the wall clock") {
  const auto hour = last_hour(kBerlin, at("2026-03-30T10:05:00Z"));
  CHECK(text(hour_weeks_before(kBerlin, hour, 1)) == "2026-03-23T10:00 2026-03-23T11:00");
  CHECK(text(hour_weeks_before(kBerlin, hour, 4)) == "2026-03-02T10:00 2026-03-02T11:00");
  const auto autumn = last_hour(kBerlin, at("2026-10-26T11:05:00Z"));
  CHECK(text(hour_weeks_before(kBerlin, autumn, 1)) == "2026-10-19T09:00 2026-10-19T10:00");
}

TEST_CASE("a local day has 23, 24 or 25 hours") {
  CHECK(text(local_day(kBerlin, at("2026-03-30T10:05:00Z"), 1)) ==
        "2026-03-28T23:00 2026-03-29T22:00");
  CHECK(text(local_day(kBerlin, at("2026-10-25T23:30:00Z"), 1)) ==
        "2026-10-24T22:00 2026-10-25T23:00");
  // It is the next day in Berlin already.
  CHECK(text(local_day(kBerlin, at("2026-03-30T22:30:00Z"), 1)) ==
        "2026-03-29T22:00 2026-03-30T22:00");
  const auto day = local_day(kBerlin, at("2026-03-30T10:05:00Z"), 1);
  CHECK(text(day_weeks_before(kBerlin, day, 1)) == "2026-03-21T23:00 2026-03-22T23:00");
}

TEST_CASE("a median needs three values") {
  CHECK_FALSE(business::median({}));
  CHECK_FALSE(business::median({1, 2}));
  CHECK(business::median({3, 1, 2}) == 2);
  CHECK(business::median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("a week without a figure has none of it, or says nothing") {
  const std::vector<Figures> weeks{{{{"a"}, 4}, {{"b"}, 6}}, {{{"a"}, 5}}, {{{"a"}, 6}}};
  CHECK(medians(weeks, Absent::says_nothing) == Figures{{{"a"}, 5}});
  CHECK(medians(weeks, Absent::is_zero) == Figures{{{"a"}, 5}, {{"b"}, 0}});
  CHECK(medians({weeks[0], weeks[1]}, Absent::is_zero).empty());
}
