#include "common/base/time.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <ctime>

using namespace exporter;
using namespace std::chrono;

namespace {

/// Microseconds since 1970, or "nothing".
std::string rfc3339(std::string_view text) {
  const auto time = parse_rfc3339(text);
  return time ? std::to_string(time->time_since_epoch().count()) : "nothing";
}

std::string printed(std::int64_t ms) {
  return format_rfc3339(sys_time<milliseconds>(milliseconds(ms)));
}

}  // namespace

TEST_CASE("a duration has units from the largest to the smallest, each once") {
  CHECK(parse_duration("0") == 0ms);
  CHECK(parse_duration("0s") == 0ms);
  CHECK(parse_duration("30s") == 30s);
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("1m") == 1min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("4d4h5m1s500ms") == 4 * 24h + 4h + 5min + 1500ms);
  CHECK(parse_duration("1y2w3d") == 24h * (365 + 14 + 3));
  CHECK(parse_duration("1m1ms") == 60'001ms);
  CHECK(parse_duration("010s") == 10s);
  CHECK(parse_duration("90000000ms") == 25h);
}

TEST_CASE("a malformed duration is nothing") {
  for (const auto* text : {"",     "1",     "00",  "s",   "-1s",  "+1s",  "1.5s",  "1 s",
                           " 1s",  "1s ",   "1S",  "1us", "1h1h", "1s1m", "1ms1s", "1m30",
                           "0x1s", "1h-1m", "1mo", "inf", "1d12", "s1",   "1h m"}) {
    CAPTURE(text);
    CHECK(parse_duration(text) == std::nullopt);
  }
}

TEST_CASE("a duration above 2^63 - 1 nanoseconds is nothing") {
  CHECK(parse_duration("9223372036854ms") == 9'223'372'036'854ms);
  CHECK(parse_duration("9223372036855ms") == std::nullopt);
  CHECK(parse_duration("292y") == 292 * 365 * 24h);
  CHECK(parse_duration("293y") == std::nullopt);
  CHECK(parse_duration("292y26w") == std::nullopt);
  CHECK(parse_duration("18446744073709551616ms") == std::nullopt);
  CHECK(parse_duration("99999999999999999999999999s") == std::nullopt);
  CHECK(parse_duration("18446744073709551615y") == std::nullopt);
}

TEST_CASE("a duration is printed as Prometheus does") {
  CHECK(format_duration(0ms) == "0s");
  CHECK(format_duration(1ms) == "1ms");
  CHECK(format_duration(30s) == "30s");
  CHECK(format_duration(90min) == "1h30m");
  CHECK(format_duration(90 * 24h) == "90d");
  CHECK(format_duration(14 * 24h) == "2w");
  CHECK(format_duration(365 * 24h) == "1y");
  CHECK(format_duration(366 * 24h) == "366d");
  CHECK(format_duration(2 * 365 * 24h + 7 * 24h) == "737d");
  CHECK(format_duration(25h + 1ms) == "1d1h1ms");
  CHECK(format_duration(-90s) == "-1m30s");
  CHECK(format_duration(milliseconds::min()) == "-106751991167d7h12m55s808ms");
}

TEST_CASE("a printed duration reads back as it was") {
  for (std::int64_t ms = 1; ms < 9'000'000'000'000; ms = ms * 3 + 7) {
    CAPTURE(ms);
    CHECK(parse_duration(format_duration(milliseconds(ms))) == milliseconds(ms));
  }
}

TEST_CASE("an RFC 3339 time is read with any offset") {
  CHECK(rfc3339("1970-01-01T00:00:00Z") == "0");
  CHECK(rfc3339("2026-01-02T03:04:05Z") == "1767323045000000");
  CHECK(rfc3339("2026-01-02t03:04:05z") == "1767323045000000");
  CHECK(rfc3339("2026-01-02 03:04:05+00:00") == "1767323045000000");
  CHECK(rfc3339("2026-01-02T03:04:05-00:00") == "1767323045000000");
  CHECK(rfc3339("2026-01-02T05:34:05+02:30") == "1767323045000000");
  CHECK(rfc3339("2026-01-01T19:19:05-07:45") == "1767323045000000");
  CHECK(rfc3339("2026-01-03T03:03:05+23:59") == "1767323045000000");
}

TEST_CASE("a fraction of a second has any number of digits and is cut to microseconds") {
  CHECK(rfc3339("1970-01-01T00:00:01.5Z") == "1500000");
  CHECK(rfc3339("1970-01-01T00:00:00.678Z") == "678000");
  CHECK(rfc3339("1970-01-01T00:00:00.000001Z") == "1");
  CHECK(rfc3339("1970-01-01T00:00:00.123456789Z") == "123456");
  CHECK(rfc3339("1970-01-01T00:00:00.999999999999999999999999999999Z") == "999999");
  CHECK(rfc3339("1969-12-31T23:59:59.999999999Z") == "-1");
}

TEST_CASE("leap days are those of the Gregorian calendar") {
  CHECK(rfc3339("2024-02-29T00:00:00Z") == "1709164800000000");
  CHECK(rfc3339("2000-02-29T00:00:00Z") == "951782400000000");
  CHECK(rfc3339("2023-02-29T00:00:00Z") == "nothing");
  CHECK(rfc3339("1900-02-29T00:00:00Z") == "nothing");
  CHECK(rfc3339("2024-02-30T00:00:00Z") == "nothing");
  CHECK(rfc3339("2024-04-31T00:00:00Z") == "nothing");
}

TEST_CASE("a leap second is the next second, and only at the end of a month in UTC") {
  CHECK(rfc3339("2016-12-31T23:59:60Z") == "1483228800000000");
  CHECK(rfc3339("2016-12-31T18:59:60.5-05:00") == "1483228800500000");
  CHECK(rfc3339("2016-12-30T23:59:60Z") == "nothing");
  CHECK(rfc3339("2016-12-31T22:59:60Z") == "nothing");
  CHECK(rfc3339("2016-12-31T23:59:60+01:00") == "nothing");
  CHECK(rfc3339("2016-12-31T23:59:61Z") == "nothing");
}

TEST_CASE("times are within the years 1 to 9999 in UTC") {
  CHECK(rfc3339("0001-01-01T00:00:00Z") == "-62135596800000000");
  CHECK(rfc3339("0000-12-31T23:59:59Z") == "nothing");
  CHECK(rfc3339("0001-01-01T00:00:00+00:01") == "nothing");
  CHECK(rfc3339("0000-12-31T23:30:00-00:30") == "-62135596800000000");
  CHECK(rfc3339("9999-12-31T23:59:59.999999Z") == "253402300799999999");
  CHECK(rfc3339("9999-12-31T23:59:59-00:01") == "nothing");
}

TEST_CASE("a malformed RFC 3339 time is nothing") {
  for (const auto* text : {"",
                           "2026",
                           "2026-01-02",
                           "2026-01-02T03:04:05",
                           "2026-01-02T03:04:05 Z",
                           " 2026-01-02T03:04:05Z",
                           "2026-01-02T03:04:05Z ",
                           "2026-1-02T03:04:05Z",
                           "2026-01-2T03:04:05Z",
                           "2026-00-02T03:04:05Z",
                           "2026-13-02T03:04:05Z",
                           "2026-01-00T03:04:05Z",
                           "2026-01-32T03:04:05Z",
                           "2026-01-02T24:00:00Z",
                           "2026-01-02T03:60:05Z",
                           "2026-01-02T03:04Z",
                           "2026-01-02T03:04:05.Z",
                           "2026-01-02T03:04:05,5Z",
                           "2026-01-02T03:04:05+24:00",
                           "2026-01-02T03:04:05+01:60",
                           "2026-01-02T03:04:05+0100",
                           "2026-01-02T03:04:05+01",
                           "2026-01-02T03:04:05+1:00",
                           "2026/01/02T03:04:05Z",
                           "2026-01-02_03:04:05Z",
                           "2026-01-02T03.04.05Z",
                           "+2026-01-02T03:04:05Z",
                           "-026-01-02T03:04:05Z",
                           "12026-01-02T03:04:05Z",
                           "2026-01-02T03:04:05ZZ",
                           "2026-01-02T03:04:05.1.2Z",
                           "20x6-01-02T03:04:05Z",
                           "2026-01-02T-3:04:05Z",
                           "2026-01-02  03:04:05Z"}) {
    CAPTURE(text);
    CHECK(rfc3339(text) == "nothing");
  }
}

TEST_CASE("a time is printed in UTC with milliseconds") {
  CHECK(printed(0) == "1970-01-01T00:00:00.000Z");
  CHECK(printed(1'767'323'045'678) == "2026-01-02T03:04:05.678Z");
  CHECK(printed(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(printed(951'782'400'000) == "2000-02-29T00:00:00.000Z");
  CHECK(printed(-62'135'596'800'000) == "0001-01-01T00:00:00.000Z");
  CHECK(printed(253'402'300'799'999) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("a time outside the years 1 to 9999 is printed as the nearest within") {
  CHECK(printed(-62'135'596'800'001) == "0001-01-01T00:00:00.000Z");
  CHECK(printed(253'402'300'800'000) == "9999-12-31T23:59:59.999Z");
  CHECK(format_rfc3339(sys_time<milliseconds>::min()) == "0001-01-01T00:00:00.000Z");
  CHECK(format_rfc3339(sys_time<milliseconds>::max()) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("printed times agree with gmtime and read back") {
  for (std::int64_t second = -62'135'596'800; second < 253'402'300'799; second += 9'876'543'211) {
    const auto time = static_cast<std::time_t>(second);
    std::tm parts{};
    REQUIRE(::gmtime_r(&time, &parts) != nullptr);
    char expected[64];
    std::snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
                  parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                  parts.tm_min, parts.tm_sec);
    CHECK(printed(second * 1000) == expected);
    CHECK(rfc3339(expected) == std::to_string(second * 1'000'000));
  }
}

TEST_CASE("unix_now is the wall clock in seconds with a fraction") {
  const auto wall_clock = [] {
    timespec time{};
    ::clock_gettime(CLOCK_REALTIME, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  };
  constexpr double kRounding = 1e-6;
  const auto before = wall_clock();
  const double now = unix_now();
  const auto after = wall_clock();
  CHECK(now >= before - kRounding);
  CHECK(now <= after + kRounding);
}
