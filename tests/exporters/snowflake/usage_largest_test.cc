#include <catch2/catch.hpp>

#include "tests/exporters/snowflake/usage_reader.h"
#include "tests/support/temporary_directory.h"

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
  CHECK(reader.value(a) == -1);  // from before it was one of the largest
  CHECK(reader.value(other) == 8);
  now += hours(1);
  rows += "," + things(now - hours(1), "a", "\"2\"") + "," + things(now - hours(1), "b", "\"50\"");
  reader.server.set_rows("SELECT TOP", "L_KIND,B,V_A", rows);
  CHECK(reader.value(a) == 2);
  CHECK(reader.value(other) == 58);
  CHECK(reader.value(R"(snowflake_test_node_things_total{account="prod",kind="c"})") == -1);
}

namespace {

constexpr auto kTagged =
    counter("snowflake_test_tagged_total", "Things.", "account", "key", "value");
constexpr std::string_view kKeyAndValue[] = {"L_KEY", "L_VALUE"};
constexpr Value kTaggedValues[] = {{"V_A", kTagged}};
constexpr Top kTopOfKey{"L_VALUE", 1, "V_A", "L_KEY"};
constexpr UsageStatement kTaggedStatement[] = {{.name = "tagged",
                                                .text = "SELECT TAGGED {lo} {hi}",
                                                .labels = kKeyAndValue,
                                                .bucket = hours(1),
                                                .horizon = hours(6),
                                                .counters = kTaggedValues,
                                                .top = &kTopOfKey}};
constexpr Group kTaggedGroup{"tagged", hours(1), kTaggedStatement, "USAGE_VIEWER"};

std::string tagged(sys_seconds bucket, const std::string& key, const std::string& value,
                   int count) {
  return R"([")" + key + R"(",")" + value + R"(",")" + at(bucket) + R"(",")" +
         std::to_string(count) + R"("])";
}

double shown(Reader& reader, const std::string& key, const std::string& value) {
  return reader.value(R"(snowflake_test_tagged_total{account="prod",key=")" + key + R"(",value=")" +
                      value + R"("})");
}

}  // namespace

TEST_CASE("an amount that is not a number costs its row, also where its key has no other") {
  now = tomorrow() + hours(3);
  Reader reader(kTaggedGroup);
  reader.server.set_rows("SELECT TAGGED", "L_KEY,L_VALUE,B,V_A",
                         tagged(now - hours(1), "team", "a", 5) + R"(,["stage","b",")" +
                             at(now - hours(1)) + R"(","NaN"])");
  CHECK(shown(reader, "team", "other") == 5);
  CHECK(reader.failure.empty());
  CHECK(shown(reader, "stage", "other") == -1);
}

TEST_CASE("a value of any length costs itself, not the others") {
  now = tomorrow() + hours(3);
  Reader reader(kTaggedGroup);
  reader.server.set_rows("SELECT TAGGED", "L_KEY,L_VALUE,B,V_A",
                         tagged(now - hours(1), "team", std::string(70'000, 'x'), 9) + "," +
                             tagged(now - hours(1), "team", "a", 5));
  CHECK(shown(reader, "team", "other") == 5);
  CHECK(reader.failure.empty());
}

TEST_CASE("each key has largest values of its own, which stay so over a restart") {
  const TemporaryDirectory directory;
  now = tomorrow() + hours(3);
  std::string rows =
      tagged(now - hours(1), "team", "a", 5) + "," + tagged(now - hours(1), "team", "b", 4) + "," +
      tagged(now - hours(1), "stage", "b", 1) + "," + tagged(now - hours(1), "stage", "", 8);
  {
    Reader reader(kTaggedGroup, "", directory.path());
    reader.server.set_rows("SELECT TAGGED", "L_KEY,L_VALUE,B,V_A", rows);
    CHECK(shown(reader, "team", "other") == 9);
    CHECK(shown(reader, "stage", "other") == 1);
    CHECK(shown(reader, "stage", "") == 8);  // an empty value is never one of the largest
  }
  now += hours(1);
  Reader reader(kTaggedGroup, "", directory.path());
  rows += "," + tagged(now - hours(1), "team", "a", 1) + "," +
          tagged(now - hours(1), "team", "b", 70) + "," + tagged(now - hours(1), "stage", "a", 60) +
          "," + tagged(now - hours(1), "stage", "b", 2);
  reader.server.set_rows("SELECT TAGGED", "L_KEY,L_VALUE,B,V_A", rows);
  CHECK(shown(reader, "team", "a") == 1);
  CHECK(shown(reader, "team", "other") == 79);
  CHECK(shown(reader, "stage", "b") == 2);
  CHECK(shown(reader, "stage", "other") == 61);
  CHECK(shown(reader, "stage", "") == 8);
}
