#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <optional>
#include <string>

#include "common/base/time.h"
#include "common/sql/value.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

std::optional<std::string> time_text(std::string_view text) {
  try {
    const auto time = time_of(text);
    return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(time));
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::decode);
    return std::nullopt;
  }
}

bool is_number(std::string_view text) {
  try {
    number_of(text);
    return true;
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::decode);
    return false;
  }
}

}  // namespace

TEST_CASE("numbers as databases write them") {
  const std::pair<std::string_view, double> cases[] = {
      {"0", 0},
      {"-0", -0.0},
      {"42", 42},
      {"+7", 7},
      {"  12.50 ", 12.5},
      {".5", .5},
      {"-.5", -.5},
      {"1.", 1},
      {"1e3", 1000},
      {"1E+3", 1000},
      {"1.23456789012346e+29", 1.23456789012346e29},
      {"123456789012345678901234567890.123456789", 1.2345678901234568e29},
      {"18446744073709551615", 18446744073709551615.0},
      {"-9223372036854775808", -9223372036854775808.0},
      {"0.3333333333333333", 0.3333333333333333},
      {"4.9e-324", 4.9e-324},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"true", 1},
      {"FALSE", 0},
      {"Infinity", INFINITY},
      {"-Infinity", -INFINITY},
      {"Inf", INFINITY},
      {"-Inf", -INFINITY},
      {"+inf", INFINITY},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(number_of(text) == expected);
  }
  CHECK(std::signbit(number_of("-0")));
  for (const auto* text : {"NaN", "nan", "-nan", "+NaN"}) CHECK(std::isnan(number_of(text)));
}

TEST_CASE("what is not a number is refused, not read as one") {
  for (const std::string_view text :
       {"",         " ",           "abc",   "grüße", "2026-03-29 02:30:00.123456",
        "$12.50",   "1,5",         "1 2",   "12abc", "deadbeef",
        "0x10",     "X'DEADBEEF'", "--1",   "+-5",   "-+5",
        "++5",      "+",           "-",     ".",     "-.",
        "e5",       "1e",          "1e400", "--inf", "+-inf",
        "infinite", "-true",       "t",     "f",     "yes",
        "{1}",      "١",           "\xff",  "1_000", "nan(1)"}) {
    INFO(text);
    CHECK_FALSE(is_number(text));
  }
  CHECK_FALSE(is_number(std::string_view("1\0", 2)));
  CHECK_FALSE(is_number(std::string_view("1\0002", 3)));
  CHECK(error_of(Reason::decode, [] { number_of("abc"); }) == "expected a number, found 'abc'");
  CHECK(error_of(Reason::decode, [] { number_of(std::string(100, 'x')); }).size() < 80);
}

TEST_CASE("times as databases write them") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"2026-03-29", "2026-03-29T00:00:00.000Z"},
      {"2026-03-29 02:30", "2026-03-29T02:30:00.000Z"},
      {"2026-03-29 02:30:01", "2026-03-29T02:30:01.000Z"},
      {"2026-03-29T02:30:01Z", "2026-03-29T02:30:01.000Z"},
      {"2026-03-29t02:30:01z", "2026-03-29T02:30:01.000Z"},
      {" 2026-03-29 02:30:01.123456\n", "2026-03-29T02:30:01.123Z"},
      {"2026-03-29 02:30:01.1234567", "2026-03-29T02:30:01.123Z"},
      {"2026-03-29 02:30:01+02", "2026-03-29T00:30:01.000Z"},
      {"2026-03-29 02:30+02", "2026-03-29T00:30:00.000Z"},
      {"2026-03-29 02:30:01-0330", "2026-03-29T06:00:01.000Z"},
      {"2026-03-29 02:30:01.5+05:30", "2026-03-28T21:00:01.500Z"},
      {"2026-03-29 02:30:01 +02:00", "2026-03-29T00:30:01.000Z"},
      {"2026-03-29 02:30:01+02:00:00", "2026-03-29T00:30:01.000Z"},
      {"9999-12-31 23:59:59", "9999-12-31T23:59:59.000Z"},
      {"0001-01-01 00:00:00", "0001-01-01T00:00:00.000Z"},
      {"0", "1970-01-01T00:00:00.000Z"},
      {"-1", "1969-12-31T23:59:59.000Z"},
      {"1774751400.25", "2026-03-29T02:30:00.250Z"},
      {"1.7747514e9", "2026-03-29T02:30:00.000Z"},
      {"253402300799", "9999-12-31T23:59:59.000Z"},
      {"-62135596800", "0001-01-01T00:00:00.000Z"},
  };
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(time_text(text) == expected);
  }
  CHECK(time_of("2026-03-29 02:30:00.123456").time_since_epoch().count() == 1774751400123456);
  CHECK(time_of("1774751400.123456").time_since_epoch().count() == 1774751400123456);
}

TEST_CASE("what is not a time is refused") {
  for (const auto* text : {"",
                           "abc",
                           "0000-00-00",
                           "0000-00-00 00:00:00",
                           "2026-02-29",
                           "2026-13-01",
                           "2026-3-29",
                           "2026/03/29",
                           "29.03.2026",
                           "20260329T023000Z",
                           "2026-03-29 24:00:00",
                           "2026-03-29 02:60",
                           "2026-03-29 02:30:61",
                           "2026-03-29 02",
                           "2026-03-29T",
                           "2026-03-29Z",
                           "2026-03-29+02",
                           "2026-03-29 02:30:01 UTC",
                           "2026-03-29 02:30:01 BC",
                           "2026-03-29 02:30:01,5",
                           "2026-03-29 02:30:01+2",
                           "2026-03-29 02:30:01+2:00",
                           "2026-03-29 02:30:01+25",
                           "2026-03-29 02:30:01+02:00:07",
                           "2026-03-29 02:30:01+02:00abc",
                           "2026-03-29 02:30:01+02:00+00",
                           "2026-03-29 02:30:01Z1234",
                           "2026-03-29 02:30:01Zabcdefgh",
                           "infinity",
                           "NaN",
                           "true",
                           "253402300800",
                           "1e300",
                           "-62135596801",
                           "now"}) {
    INFO(text);
    CHECK_FALSE(time_text(text));
  }
}

TEST_CASE("a time that was cut is refused, but where it is another time") {
  const std::string whole = "2026-03-29 02:30:01.123456+05:30";
  std::vector<std::string> accepted;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    if (time_text(whole.substr(0, length))) accepted.push_back(whole.substr(0, length));
  }
  // A number is seconds, even if it looks like a year. A time without an offset is in UTC; fraction
  // and seconds are optional.
  CHECK(accepted ==
        std::vector<std::string>{"2", "20", "202", "2026", "2026-03-29", "2026-03-29 ",
                                 "2026-03-29 02:30", "2026-03-29 02:30:01", "2026-03-29 02:30:01.1",
                                 "2026-03-29 02:30:01.12", "2026-03-29 02:30:01.123",
                                 "2026-03-29 02:30:01.1234", "2026-03-29 02:30:01.12345",
                                 "2026-03-29 02:30:01.123456", "2026-03-29 02:30:01.123456+05"});
}

TEST_CASE("a column with a sequence is of the type that it has without one") {
  const std::string_view names[][2] = {
      {"smallserial", "int2"}, {"serial", "int4"}, {"bigserial", "int8"}, {"numeric", "numeric"}};
  for (const auto& [driver, type] : names) {
    CHECK(type_name(driver, Dialect::postgresql) == type);
    CHECK(type_name(driver, Dialect::sqlite) == driver);
  }
}

TEST_CASE("the earliest of several times is early even if it is no time") {
  CHECK(earliest_of("2026-03-29 02:30:00") == time_of("2026-03-29 02:30:00"));
  for (const auto* text : {"0000-00-00 00:00:00", "-infinity", "4713-01-01 00:00:00 BC"}) {
    CAPTURE(text);
    CHECK(earliest_of(text) == time_of("0001-01-01"));
  }
}
