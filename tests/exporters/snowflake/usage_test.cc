#include "exporters/snowflake/usage.h"

#include <catch2/catch.hpp>

#include "common/base/time.h"
#include "tests/exporters/snowflake/usage_reader.h"
#include "tests/support/temporary_directory.h"

using namespace usage_test;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_seconds;

namespace {

constexpr const char* kB = R"(snowflake_test_things_total{account="prod",kind="x",part="b"})";
constexpr std::string_view kNamed[] = {"L_ID", "N_KIND"};
constexpr Value kNamedValues[] = {{"V_A", kThings, 1, "a"}};
constexpr UsageStatement kNamedStatement[] = {{.name = "named",
                                               .text = "SELECT NAMED {lo} {hi}",
                                               .labels = kNamed,
                                               .bucket = hours(1),
                                               .horizon = hours(6),
                                               .counters = kNamedValues}};
constexpr Group kNamedGroup{"named", hours(1), kNamedStatement, "USAGE_VIEWER"};

}  // namespace

TEST_CASE("what a statement reads again counts once, and a correction replaces it") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.value(kB) == 5);
  CHECK(reader.value(R"(snowflake_test_seconds_bucket{account="prod",kind="x",le="10.0"})") == 5);
  CHECK(reader.value(R"(snowflake_test_seconds_bucket{account="prod",kind="x",le="1.0"})") == 0);
  CHECK(reader.value(R"(snowflake_test_seconds_sum{account="prod",kind="x"})") == 5);
  CHECK(reader.value(R"(snowflake_data_timestamp_seconds{account="prod",statement="things"})") ==
        static_cast<double>((now - hours(2) + minutes(10)).time_since_epoch().count()));
  now += hours(1);
  CHECK(reader.value(kA) == 5);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(now - hours(3), "x", 7) + "," + row(now - hours(1), "x", 2));
  now += hours(1);
  CHECK(reader.value(kA) == 9);
  CHECK(reader.server.count("SELECT THINGS") == 3);
}

TEST_CASE("a row that comes back under another label leaves the series that it was in") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "", 5));
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 5);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(now - hours(3), "x", 5) + "," + row(now - hours(1), "", 6));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 6);
}

TEST_CASE("what the warehouse costs is asked for in each cycle, as it may have another size") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  reader.value(kA);
  CHECK(reader.server.count("SHOW WAREHOUSES") == 1);
  now += hours(1);
  reader.value(kA);
  CHECK(reader.server.count("SHOW WAREHOUSES") == 2);
}

TEST_CASE("a name that changes is not counted again") {
  now = tomorrow() + hours(3);
  Reader reader(kNamedGroup);
  const auto named = [](sys_seconds bucket, const std::string& name, int count) {
    return R"(["17",)" + (name.empty() ? "null" : '"' + name + '"') + R"(,")" + at(bucket) +
           R"(",")" + std::to_string(count) + R"("])";
  };
  const std::string columns = "L_ID,N_KIND,B,V_A";
  reader.server.set_rows("SELECT NAMED", columns, named(now - hours(2), "", 5));
  CHECK(reader.value(R"(snowflake_test_things_total{account="prod",kind="",part="a"})") == 5);
  now += hours(1);
  reader.server.set_rows("SELECT NAMED", columns, named(now - hours(3), "x", 5));
  CHECK(reader.value(kA) == 5);
}

TEST_CASE("a row with a time far ahead does not hide how old the data is") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  const auto good = row(now - hours(2), "x", 5);
  const auto bad = R"(["y",")" + at(now - hours(2)) + R"(","1","1000","0","1","1e15"])";
  reader.server.set_rows("SELECT THINGS", kColumns, good + "," + bad);
  CHECK(reader.value(R"(snowflake_data_timestamp_seconds{account="prod",statement="things"})") ==
        static_cast<double>((now - hours(2) + minutes(10)).time_since_epoch().count()));
  CHECK(reader.value(kA) == 5);
}

TEST_CASE("a row that can no longer be read counts as it did") {
  now = tomorrow() + hours(3);
  Reader reader(kNamedGroup);
  const auto rows = [](sys_seconds bucket, const std::string& count) {
    return R"(["17","x",")" + at(bucket) + R"(",")" + count + R"("])";
  };
  const std::string columns = "L_ID,N_KIND,B,V_A";
  reader.server.set_rows("SELECT NAMED", columns, rows(now - hours(2), "5"));
  CHECK(reader.value(kA) == 5);
  now += hours(1);
  reader.server.set_rows("SELECT NAMED", columns,
                         rows(now - hours(3), "much") + "," + rows(now - hours(1), "2"));
  CHECK(reader.value(kA) == 7);
}

TEST_CASE("a window starts at a whole bucket, as far back as rows may change") {
  now = tomorrow() + hours(9) + minutes(20);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  reader.value(kA);
  const auto lo = tomorrow() + hours(3);
  const auto date = format_rfc3339(tomorrow()).substr(0, 10);
  const auto next = format_rfc3339(tomorrow() + std::chrono::days(1)).substr(0, 10);
  CHECK(reader.server.count("SELECT THINGS " + at(lo) + " " + at(now) + " '" + date + "' '" + next +
                            "'") == 1);
  now += hours(48);
  reader.value(kA);
  CHECK(reader.server.count("SELECT THINGS " + at(lo) + " " + at(now)) == 1);
}

TEST_CASE("a statement is not read again before its pace, also after a restart") {
  const TemporaryDirectory directory;
  now = tomorrow() + hours(3) + minutes(1);
  {
    Reader reader(kGroup, "", directory.path());
    reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
    CHECK(reader.value(kA) == 5);
    now += minutes(20);
    CHECK(reader.value(kA) == 5);
    CHECK(reader.server.count("SELECT THINGS") == 1);
  }
  now += minutes(20);
  Reader reader(kGroup, "", directory.path());
  CHECK(reader.value(kA) == 5);
  CHECK(reader.server.count("SELECT THINGS") == 0);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  now = tomorrow() + hours(4);
  reader.value(kA);
  CHECK(reader.server.count("SELECT THINGS") == 1);
}

TEST_CASE("after the clock was ahead, what was recorded since is read and counted") {
  const TemporaryDirectory directory;
  const auto start = tomorrow() + hours(3) + minutes(1);
  now = start;
  std::optional<Reader> reader(std::in_place, kGroup, "", directory.path());
  const auto set_rows = [&](const std::string& rows) {
    reader->server.set_rows("SELECT THINGS", kColumns, rows);
  };
  set_rows(row(start - hours(2), "x", 5));
  CHECK(reader->value(kA) == 5);
  now += hours(24 * 400);
  set_rows("");
  CHECK(reader->value(kA) == 5);
  const bool is_restarted = GENERATE(true, false);
  if (is_restarted) reader.emplace(kGroup, "", directory.path());
  now = start + hours(2);
  const auto counted_bucket = floor_to(start - hours(2), hours(1));
  const auto lo = counted_bucket - hours(6);
  set_rows(row(start - hours(2), "x", 5) + "," + row(start, "x", 2));
  CHECK(reader->value(kA) == 7);
  CHECK(reader->server.count("SELECT THINGS " + at(lo)) == 1);
  now += hours(1);
  CHECK(reader->value(kA) == 7);
  CHECK(reader->server.count("SELECT THINGS") == (is_restarted ? 2 : 4));
}

TEST_CASE("rows whose labels have the same bytes in other places are two") {
  static constexpr std::string_view kTwo[] = {"L_KIND", "L_PART"};
  static constexpr Value kOne[] = {{"V_A", kThings}};
  static constexpr UsageStatement kStatement[] = {{.name = "two",
                                                   .text = "SELECT TWO {lo} {hi}",
                                                   .labels = kTwo,
                                                   .bucket = hours(1),
                                                   .horizon = hours(6),
                                                   .counters = kOne}};
  static constexpr Group kTwoGroup{"two", hours(1), kStatement, "USAGE_VIEWER"};
  now = tomorrow() + hours(3);
  Reader reader(kTwoGroup);
  const auto bucket = at(now - hours(2));
  reader.server.set_rows("SELECT TWO", "L_KIND,L_PART,B,V_A",
                         R"(["a\n1:b","c",")" + bucket + R"(","5"],["a","1:b\nc",")" + bucket +
                             R"(","7"],["x","a",")" + bucket + R"(","1"])");
  CHECK(reader.value(kA) == 1);
  CHECK(reader.value("snowflake_test_things_total{account=\"prod\",kind=\"a\\n1:b\",part=\"c\"}") ==
        5);
  CHECK(reader.value("snowflake_test_things_total{account=\"prod\",kind=\"a\",part=\"1:b\\nc\"}") ==
        7);
}
