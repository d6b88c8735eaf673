#include "exporters/sql/quality_config.h"

#include <catch2/catch.hpp>

#include "exporters/sql/collector_config.h"
#include "exporters/sql/dialect_sql.h"
#include "exporters/sql/quality_scan.h"
#include "exporters/sql/quality_schema.h"
#include "exporters/sql/quality_statements.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono;
using Catch::Contains;

namespace {

/// The error for the configuration of a table.
std::string error_in(const std::string& table) {
  return error_of(Reason::config, [&] {
    const auto file =
        Yaml::parse("quality: {shop: {tables: {orders: {" + table + "}}}}", "test.yml");
    read_quality(file, "shop", {"shop"}, Dialect::postgresql);
    file.finish();
  });
}

}  // namespace

TEST_CASE("a mistake in a table's expectations is said, and where") {
  CHECK_THAT(error_in("window: 1h"), Contains("tables.orders.window: expected `time`"));
  CHECK_THAT(error_in("time: at, window: 5s"), Contains("at least 1m"));
  CHECK_THAT(error_in("max_age: 1h"), Contains("expected `time`"));
  CHECK_THAT(error_in("time: at, max_age: {loaded: 1h}"), Contains("expected `loaded`"));
  CHECK_THAT(error_in("loaded: at, max_age: {event: 1h}"), Contains("expected `time`"));
  CHECK_THAT(error_in("volume: {period: 1h}"), Contains("expected `time`"));
  CHECK_THAT(error_in("time: at, volume: {period: 7h}"), Contains("divides"));
  CHECK_THAT(error_in("time: at, volume: {period: 1m}"), Contains("divides"));
  CHECK_THAT(error_in("time: at, volume: {period: 1h, weeks: 2}"), Contains("3 to 26"));
  CHECK_THAT(error_in("time: at, volume: {period: 1h, zone: Nowhere}"), Contains("zone"));
  CHECK_THAT(error_in("time: at, volume: {period: 1h, min: 4}"), Contains("larger than max"));
  CHECK_THAT(error_in("time: at, volume: {period: 1h, rows: -1}"), Contains("at least 0"));
  CHECK_THAT(error_in("time: at, window: 1h, not_null: {at: 0}"), Contains("never fail"));
  CHECK_THAT(error_in("not_null: {a: 1.5}"), Contains("from 0 to 1"));
  CHECK_THAT(error_in("not_null: {\"a'\": 0}"), Contains("is not terminated"));
  CHECK_THAT(error_in("accepted: {a: []}"), Contains("at least one value"));
  CHECK_THAT(error_in("accepted: {a: [x, null]}"), Contains("accepted"));
  CHECK_THAT(error_in("range: {a: [1]}"), Contains("[smallest, largest]"));
  CHECK_THAT(error_in("range: {a: {}}"), Contains("[smallest, largest]"));
  CHECK_THAT(error_in("range: {a: [2, 1]}"), Contains("larger"));
  CHECK_THAT(error_in("rows_where: {a: \"b > :since\"}"), Contains(":since is unknown here"));
  CHECK_THAT(error_in("rows_where: {a: \"b; DROP TABLE c\"}"), Contains("semicolon"));
  CHECK_THAT(error_in("late: {after: 1h, ratio: 0}"), Contains("both"));
  CHECK_THAT(error_in("time: a, loaded: b, late: {after: 10ms, ratio: 0}"), Contains("1s"));
  CHECK_THAT(error_in("key: {columns: []}"), Contains("at least one column"));
  CHECK_THAT(error_in("key: []"), Contains("orders.key: expected at least one column"));
  CHECK_THAT(error_in("key: id;"), Contains("orders.key: expected a part of a statement"));
  CHECK_THAT(error_in("references: {}"), Contains("COLUMN: TABLE.COLUMN"));
  CHECK_THAT(error_in("references: {every: 1h}"), Contains("COLUMN: TABLE.COLUMN"));
  for (const std::string target : {"customers", ".id", "customers."}) {
    CHECK_THAT(error_in("references: {a: " + target + "}"),
               Contains("references.a: expected TABLE.COLUMN"));
  }
  CHECK_THAT(error_in("references: {a: b.c, every: 1s}"), Contains("at least 1m"));
  CHECK_THAT(error_in("references: {a: b.c, severity: high}"), Contains("critical, warning"));
  CHECK_THAT(error_in("references: {\"a'\": b.c}"), Contains("is not terminated"));
  CHECK_THAT(error_in("references: {a: \"b.c; d\"}"), Contains("without a semicolon"));
  CHECK_THAT(error_in("schema: {a: \"numeric(12,2)\"}"), Contains("schema.a: expected a type"));
  CHECK_THAT(error_in("severity: high"), Contains("critical, warning or info"));
  CHECK_THAT(error_in("schema: whatch"), Contains("`watch`"));
  CHECK_THAT(error_in("not_nul: {a: 0}"), Contains("not_null"));
  CHECK(error_in("time: at, rows_where: {a: \"b < :now\"}, range: {a: {min: 0}}") == "no error");
}

TEST_CASE("a key is a column, a list, or a map with both and more") {
  for (const std::string key : {"id", "[id]", "{columns: id}", "{columns: [id]}"}) {
    const auto file =
        Yaml::parse("quality: {shop: {tables: {orders: {key: " + key + "}}}}", "test.yml");
    const auto config = read_quality(file, "shop", {"shop"}, Dialect::postgresql);
    file.finish();
    CHECK(config->tables[0].key->columns == std::vector<std::string>{"id"});
    CHECK(config->tables[0].key->every == 1h);
    CHECK(config->tables[0].key->concern.severity == "warning");
  }
}

TEST_CASE("a source must be there, and has its tables once") {
  const auto read = [](const std::string& text) {
    return error_of(Reason::config, [&] {
      const auto file = Yaml::parse(text, "test.yml");
      for (const auto* source : {"shop", "other"}) {
        read_quality(file, source, {"shop", "other"}, Dialect::postgresql);
      }
      file.finish();
    });
  };
  CHECK_THAT(read("quality: {shup: {tables: {a: {}}}}"),
             Contains("there is no source of this name"));
  CHECK_THAT(read("quality: {other: {tables: {}}}"), Contains("at least one table"));
  CHECK_THAT(read("quality: {shop: {tables: {a: {dataset: x}, b: {dataset: x}}}}"),
             Contains("duplicate dataset"));
  CHECK_THAT(read("quality: {shop: {every: 10ms, tables: {a: {}}}}"), Contains("at least 1s"));
  CHECK(read("quality: {other: {tables: {a: {}}}}") == "no error");
}

TEST_CASE("the server's clock is compared only as far as it is certain") {
  const Time begun(10s), ended(12s);
  CHECK(clock_difference(Time(10s), begun, ended) == 0s);
  CHECK(clock_difference(Time(12s), begun, ended) == 0s);
  CHECK(clock_difference(Time(7s), begun, ended) == -3s);
  CHECK(clock_difference(Time(15s), begun, ended) == 3s);
  CHECK(clock_difference(Time(10'000ms), begun + 900us, ended) == 0s);  // cut to milliseconds
}

TEST_CASE("dialects say the time and its difference each in their way") {
  const auto later = [](Dialect dialect) { return is_later("l", "t", 90s, dialect); };
  CHECK(later(Dialect::postgresql) == "l > t + INTERVAL '90 seconds'");
  CHECK(later(Dialect::mariadb) == "l > t + INTERVAL 90 SECOND");
  CHECK(later(Dialect::mysql) == "l > t + INTERVAL 90 SECOND");
  CHECK(later(Dialect::sqlite) == "strftime('%s', l) - strftime('%s', t) > 90");
  CHECK(later(Dialect::sqlserver) == "l > DATEADD(second, 90, t)");
  CHECK(later(Dialect::other) == "l > {fn TIMESTAMPADD(SQL_TSI_SECOND, 90, t)}");
  CHECK(server_time(Dialect::sqlserver) == "sysutcdatetime()");
}

TEST_CASE("a statement without a value of the rows reads the table no more than it must") {
  TableConfig table;
  table.name = "orders";
  table.time = "at";
  const auto items = scan_items(table);
  const auto newest = std::ranges::find(items, ScanItem::What::newest, &ScanItem::what);
  const std::vector<const ScanItem*> asked{&*newest};
  CHECK(scan_statement(table, asked, Dialect::postgresql) ==
        "SELECT now() AS server_now,\n  (SELECT MAX(at) FROM orders WHERE at <= :ahead) AS v0");
}

TEST_CASE("a line feed in a column's type separates no columns") {
  // Stored columns are separated by line feeds, so the table would seem to change with each run.
  CHECK(described({{"a", "enum('x\ny')"}, {"b", "text"}}) ==
        std::vector<std::string>{"a enum('x y')", "b text"});
}
