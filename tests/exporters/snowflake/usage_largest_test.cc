#include <catch2/catch.hpp>

#include "tests/exporters/snowflake/usage_reader.h"

using namespace usage_test;
using std::chrono::hours;
using std::chrono::sys_seconds;

namespace {

constexpr auto kNodeThings =
    counter("snowflake_test_node_things_total", "Things.", "account", "kind");
constexpr Value kTopValues[] = {{"V_A", kNodeThings}};
constexpr Top kTop{"L_KIND", 1, "V_A"};
constexpr UsageStatement kTopStatement[] = {{.name = "top",
                                             .text = "SELECT TOP {lo} {hi}",
                                             .labels = kLabels,
                                             .bucket = hours(1),
                                             .horizon = hours(6),
                                             .counters = kTopValues,
                                             .top = &kTop}};
constexpr Group kTopGroup{"top", hours(1), kTopStatement, "USAGE_VIEWER"};

}  // namespace

TEST_CASE("the largest values have series, and the sum of all is right") {
  now = tomorrow() + hours(3);
  Reader reader(kTopGroup);
  const auto things = [](sys_seconds bucket, const std::string& kind, const std::string& count) {
    return R"([")" + kind + R"(",")" + at(bucket) + R"(",)" + count + "]";
  };
  const std::string a = R"(snowflake_test_node_things_total{account="prod",kind="a"})",
                    other = R"(snowflake_test_node_things_total{account="prod",kind="other"})";
  std::string rows = things(now - hours(1), "a", "\"5\"") + "," +
                     things(now - hours(1), "b", "\"3\"") + "," +
                     things(now - hours(1), "c", "null");
  reader.server.set_rows("SELECT TOP", "L_KIND,B,V_A", rows);
  CHECK(reader.value(a) == -1);  // what is of before it was one of the largest
  CHECK(reader.value(other) == 8);
  now += hours(1);
  rows += "," + things(now - hours(1), "a", "\"2\"") + "," + things(now - hours(1), "b", "\"50\"");
  reader.server.set_rows("SELECT TOP", "L_KIND,B,V_A", rows);
  CHECK(reader.value(a) == 2);
  CHECK(reader.value(other) == 58);
  CHECK(reader.value(R"(snowflake_test_node_things_total{account="prod",kind="c"})") == -1);
}
