#include <catch2/catch.hpp>

#include "common/base/time.h"
#include "tests/exporters/snowflake/usage_reader.h"
#include "tests/support/temporary_directory.h"

using namespace usage_test;
using std::chrono::hours;
using std::chrono::minutes;

namespace {

constexpr auto kSize = gauge("snowflake_test_bytes", "Size now.", "account", "kind");
constexpr Value kGauges[] = {{"G_SIZE", kSize}};
constexpr UsageStatement kSizeStatement[] = {
    {.name = "sizes", .text = "SELECT SIZES", .labels = kLabels, .gauges = kGauges}};
constexpr UsageStatement kDailyStatement[] = {{.name = "days",
                                               .text = "SELECT DAYS '{lo_date}' {lo} {hi}",
                                               .labels = kLabels,
                                               .horizon = hours(72),
                                               .gauges = kGauges,
                                               .has_days = true}};
constexpr Group kSizes{"sizes", hours(3), kSizeStatement, "USAGE_VIEWER"};
constexpr Group kDays{"days", hours(3), kDailyStatement, "USAGE_VIEWER"};

}  // namespace

TEST_CASE("gauges stay until they are read again") {
  now = tomorrow() + hours(3);
  Reader reader(kSizes);
  const std::string series = R"(snowflake_test_bytes{account="prod",kind="x"})";
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE,DAY", R"(["x","7","1780000000"])");
  CHECK(reader.value(series) == 7);
  now += hours(1);
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE,DAY", R"(["x","8","1780000000"])");
  CHECK(reader.value(series) == 7);
  now += hours(2);
  CHECK(reader.value(series) == 8);
}

TEST_CASE("gauges stay over a restart, which does not have them read again") {
  const TemporaryDirectory directory;
  now = tomorrow() + hours(3);
  const std::string series = "snowflake_test_bytes{account=\"prod\",kind=\"\\\"\xC3\xA6\"}",
                    other = R"(snowflake_test_bytes{account="prod",kind="k2999"})";
  {
    Reader reader(kSizes, "", directory.path());
    std::string rows = R"(["\"æ","7.25"])";
    for (int i = 0; i < 3000; ++i) rows += R"(,["k)" + std::to_string(i) + R"(","8"])";
    reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE", rows);
    CHECK(reader.value(series) == 7.25);
  }
  now += minutes(50);
  Reader reader(kSizes, "", directory.path());
  CHECK(reader.value(series) == 7.25);
  CHECK(reader.value(other) == 8);
  CHECK(reader.value(R"(snowflake_read_timestamp_seconds{account="prod",statement="sizes"})") ==
        static_cast<double>((tomorrow() + hours(3)).time_since_epoch().count()));
  CHECK(reader.server.count("SELECT SIZES") == 0);
  now += hours(3);
  reader.server.set_rows("SELECT SIZES", "L_KIND,G_SIZE", R"(["x","1"])");
  CHECK(reader.value(series) == -1);
  CHECK(reader.value(other) == -1);
}

TEST_CASE("gauges of days are looked for as far back as the newest may be, and say its time") {
  now = tomorrow() + hours(3);
  Reader reader(kDays);
  const auto day = [](const char* kind, const char* size, int days_ago) {
    return std::string("[\"") + kind + "\",\"" + size + "\",\"" +
           at(tomorrow() - hours(24 * days_ago)) + "\"]";
  };
  reader.server.set_rows(
      "SELECT DAYS", "L_KIND,G_SIZE,DAY",
      day("x", "5", 2) + "," + day("x", "7", 1) + "," + day("x", "6", 3) + "," + day("y", "4", 2));
  CHECK(reader.value(R"(snowflake_test_bytes{account="prod",kind="x"})") == 7);
  CHECK(reader.value(R"(snowflake_test_bytes{account="prod",kind="y"})") == 4);
  CHECK(reader.value(R"(snowflake_data_timestamp_seconds{account="prod",statement="days"})") ==
        static_cast<double>((tomorrow() - hours(24)).time_since_epoch().count()));
  const auto date = format_rfc3339(tomorrow() - hours(72)).substr(0, 10);
  CHECK(reader.server.count("SELECT DAYS '" + date + "' " + at(now - hours(72)) + " " + at(now)) ==
        1);
}
