#include "exporters/snowflake/table.h"

#include "common/base/error.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;

namespace {

Table table_of(const std::string& columns, const std::string& rows,
               const std::string& partitions = "") {
  std::string types;
  std::string_view rest = columns;
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    types += (types.empty() ? "" : ",") + std::string(R"({"name":")") +
             std::string(rest.substr(0, comma)) + R"(","type":"text"})";
    rest = comma == std::string_view::npos ? "" : rest.substr(comma + 1);
  }
  const auto info = partitions.empty() ? "" : R"(,"partitionInfo":[)" + partitions + "]";
  return Table("show_things", Json::parse(R"({"resultSetMetaData":{"rowType":[)" + types + "]" +
                                              info + R"(},"data":[)" + rows + "]}",
                                          "show_things"));
}

/// The result of a function for the only row.
template <class Function>
auto of_row(const std::string& cell, const Function& read) {
  std::optional<decltype(read(std::declval<const Row&>()))> result;
  Samples none;
  table_of("A", "[" + cell + "]").each_row(none, [&](const Row& row) { result = read(row); });
  return *result;
}

std::optional<double> time(const std::string& cell) {
  return of_row(cell, [](const Row& row) {
    const auto time = row.time("a");
    return time ? std::optional(seconds_of(*time)) : std::nullopt;
  });
}

}  // namespace

TEST_CASE("a row is read by the names of its columns, whatever their order and case") {
  Samples none;
  table_of("Name,extra,RUNNING", R"(["a","x","2"])").each_row(none, [](const Row& row) {
    CHECK(row.text("name") == "a");
    CHECK(row.number("running") == 2);
    CHECK_FALSE(row.text("gone"));
  });
}

TEST_CASE("null, nothing and the text null are absent") {
  for (const std::string cell : {"null", "\"\"", "\"null\""}) {
    CAPTURE(cell);
    CHECK_FALSE(of_row(cell, [](const Row& row) { return row.text("a"); }));
    CHECK_FALSE(of_row(cell, [](const Row& row) { return row.number("a"); }));
    CHECK_FALSE(of_row(cell, [](const Row& row) { return row.flag("a"); }));
    CHECK_FALSE(time(cell));
  }
  CHECK(of_row("\"null\"", [](const Row& row) { return row.raw("a"); }) == "null");
  CHECK(of_row("\"\"", [](const Row& row) { return row.raw("a"); }) == "");
  CHECK_FALSE(of_row("null", [](const Row& row) { return row.raw("a"); }));
}

TEST_CASE("flags are read in both of their forms") {
  const auto flag = [](const std::string& cell) {
    return of_row(cell, [](const Row& row) { return row.flag("a"); });
  };
  CHECK(flag("\"true\"") == true);
  CHECK(flag("\"TRUE\"") == true);
  CHECK(flag("\"Y\"") == true);
  CHECK(flag("\"false\"") == false);
  CHECK(flag("\"N\"") == false);
  CHECK(error_of(Reason::decode, [&] { flag("\"yes\""); }) ==
        "show_things: column a: expected true, false, Y or N");
}

TEST_CASE("times are seconds with decimals, or nanoseconds") {
  CHECK(time("\"1780572171.880\"") == 1780572171.88);
  CHECK(time("\"1611871777.123456789\"") == 1611871777.123456);
  CHECK(time("\"1780572171\"") == 1780572171);
  CHECK(time("\"1565481394123000000\"") == 1565481394.123);
  CHECK(time("\"1616173619.000000000 1500\"") == 1616173619);
  CHECK(time("\"-1.5\"") == -1.5);
  CHECK(time("\"0\"") == 0);
  for (const std::string text : {"2019-08-10 23:56:34.123", "1.", ".5", "1.2.3", "1e9", "x", "+1",
                                 "1780572171.8801234567", "99999999999999999999", "1 x"}) {
    CAPTURE(text);
    CHECK(error_of(Reason::decode, [&] { time('"' + text + '"'); }) ==
          "show_things: column a: expected a time in seconds, got \"" + text + '"');
  }
}

TEST_CASE("what is no number is an error that names the column") {
  const auto number = [](const std::string& cell) {
    return of_row(cell, [](const Row& row) { return row.need_number("a"); });
  };
  CHECK(number("\"-1.5\"") == -1.5);
  CHECK(number("\"12345678901234567890123456789012345678\"") ==
        12345678901234567890123456789012345678.0);
  for (const std::string cell : {"\"x\"", "\"1 \"", "\"inf\"", "\"nan\""}) {
    CAPTURE(cell);
    CHECK(error_of(Reason::decode, [&] { number(cell); }) ==
          "show_things: column a: expected a number");
  }
  CHECK(error_of(Reason::decode, [&] { number("null"); }) ==
        "show_things: column a: expected a value");
  CHECK(error_of(Reason::decode, [&] { number("5"); }) == "show_things: column a: expected text");
}

TEST_CASE("seconds that no clock reports are an error") {
  const auto need = [](const std::string& cell) {
    return of_row('"' + cell + '"', [](const Row& row) { return row.need_seconds("a"); });
  };
  CHECK(need("1780572171.9").time_since_epoch() == std::chrono::seconds(1780572171));
  CHECK(need("0").time_since_epoch() == std::chrono::seconds(0));
  for (const auto* text : {"1e300", "-1e300", "-1", "253402300800", "1565481394123000000"}) {
    CAPTURE(text);
    CHECK(error_of(Reason::decode, [&] { need(text); }) ==
          "show_things: column a: expected seconds since 1970");
  }
}

TEST_CASE("a row that cannot be read costs itself alone") {
  const auto table = table_of("A", R"(["1"],["x"],["3"])");
  Samples samples;
  double sum = 0;
  table.each_row(samples, [&](const Row& row) { sum += row.need_number("a"); });
  CHECK(sum == 4);
  CHECK(samples.first_malformed_row() == "show_things: column a: expected a number");
}

TEST_CASE("a row with too few values is malformed") {
  CHECK(error_of(Reason::decode, [] {
          Samples none;
          table_of("A,B", R"(["1"])").each_row(none, [](const Row&) {});
        }) == "show_things: a row with 1 values for 2 columns");
}

TEST_CASE("partitions follow in order, with the rows that were announced") {
  const auto info = R"({"rowCount":1},{"rowCount":2})";
  auto table = table_of("A", R"(["1"])", info);
  CHECK(table.partitions() == 2);
  table.add_partition(Json::parse(R"({"data":[["2"],["3"]]})", "partition"));
  CHECK(table.size() == 3);
  CHECK_THAT(error_of(Reason::decode,
                      [&] { table.add_partition(Json::parse(R"({"data":[]})", "partition")); }),
             Catch::Contains("partition 2 has 0 rows"));
  auto cut = table_of("A", R"(["1"])", info);
  CHECK_THAT(error_of(Reason::decode,
                      [&] { cut.add_partition(Json::parse(R"({"data":[["2"]]})", "partition")); }),
             Catch::Contains("partition 1 has 1 rows"));
  CHECK_THAT(error_of(Reason::decode, [&] { table_of("A", "", info); }),
             Catch::Contains("partition 0 has 0 rows"));
}

TEST_CASE("a result is bounded") {
  CHECK_THAT(error_of(Reason::decode, [] { table_of("A", "", R"({"rowCount":1000001})"); }),
             Catch::Contains("more than 1000000 rows"));
  CHECK_THAT(error_of(Reason::decode, [] { table_of("A", "", R"({"rowCount":-1})"); }),
             Catch::Contains("a negative number of rows"));
  CHECK_THAT(error_of(Reason::decode, [] { table_of("A,a", ""); }),
             Catch::Contains("two columns have the same name"));
}
