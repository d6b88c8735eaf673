#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "exporters/sql/quality_schema.h"
#include "exporters/sql/quality_table.h"
#include "tests/exporters/sql/quality_fixture.h"
#include "tests/support/caught_log.h"

using namespace exporter;
using namespace exporter::sql;
using Catch::Contains;
using Catch::StartsWith;

namespace {

/// The configuration of a table `orders`; `more` are lines of the source's.
std::string watching(const std::string& table, const std::string& more = {}) {
  return "quality:\n  shop:\n" + more + "    tables:\n      orders: {dataset: orders, " + table +
         "}\n";
}

Collector quality(Shop& shop, const std::string& configuration) {
  return Shop::collector(shop.source(configuration), "quality");
}

RunOf run_once(Shop& shop, const std::string& configuration) {
  return run_of(quality(shop, configuration), "sql_quality_");
}

/// A time in SQL, some hours before now.
std::string ago(const std::string& hours) { return "datetime('now', '-" + hours + " hours')"; }

void make_orders(Shop& shop) {
  shop.execute(
      "CREATE TABLE orders (id INTEGER, line INTEGER, customer TEXT, status TEXT, amount NUMERIC, "
      "at TEXT, loaded TEXT)");
}

void add(Shop& shop, const std::string& values) {
  shop.execute("INSERT INTO orders VALUES (" + values + ")");
}

/// Adds rows at minute 10 of the hour that many hours before the current one.
void add_hour(Shop& shop, int before, int rows) {
  const auto at = "strftime('%Y-%m-%d %H:10:00', 'now', '-" + std::to_string(before) + " hours')";
  for (int i = 0; i < rows; ++i) add(shop, "1, 1, 'c', 'paid', 1, " + at + ", NULL");
}

}  // namespace

TEST_CASE("one statement counts the rows that fail, of those in the window") {
  Shop shop;
  make_orders(shop);
  add(shop, "1, 1, 'a', 'paid', 10, " + ago("1") + ", " + ago("1"));
  add(shop, "1, 2, NULL, NULL, NULL, " + ago("2") + ", NULL");
  add(shop, "2, 1, 'b', 'lost', -0.5, " + ago("3") + ", " + ago("2.5"));
  add(shop, "2, 1, 'b', 'it''s', 10.5, " + ago("4") + ", " + ago("1"));
  add(shop, "NULL, 1, 'b', '5', 5, " + ago("4") + ", " + ago("1"));
  add(shop, "NULL, 1, 'b', 'lost', 5, " + ago("4") + ", " + ago("1"));
  add(shop, "3, 1, NULL, 'lost', 99, " + ago("30") + ", " + ago("1"));  // before the window
  const auto run = run_once(
      shop, watching("time: at, loaded: loaded, window: 1d, not_null: {customer: 0.5}, "
                     "accepted: {status: [paid, \"it's\", \"5\"]}, range: {amount: [0, 10]}, "
                     "rows_where: {five: \"amount = 5 -- or so\"}, late: {after: 2h, ratio: 0.1}, "
                     "key: {columns: [id, line], severity: critical}",
                     "    owner: team\n"));
  CHECK(run.failure.empty());
  const auto failing = [&](const std::string& check, const std::string& column) {
    return run["failing_rows{dataset=\"orders\",check=\"" + check + "\",column=\"" + column +
               "\"}"];
  };
  CHECK(run["rows{dataset=\"orders\",window=\"1d\"}"] == "6");
  CHECK(failing("not_null", "customer") == "1");
  CHECK(failing("accepted", "status") == "2");
  CHECK(failing("range", "amount") == "2");
  CHECK(failing("rows_where", "five") == "2");
  CHECK(failing("late", "loaded") == "3");
  CHECK(failing("future", "at") == "0");
  CHECK(failing("key", "id, line") == "1");  // a NULL is no key
  const auto limit = [&](const std::string& check, const std::string& column,
                         const std::string& severity) {
    return run["failing_ratio_limit{dataset=\"orders\",check=\"" + check + "\",column=\"" + column +
               "\",owner=\"team\",severity=\"" + severity + "\"}"];
  };
  CHECK(limit("not_null", "customer", "warning") == "0.5");
  CHECK(limit("accepted", "status", "warning") == "0");
  CHECK(limit("late", "loaded", "warning") == "0.1");
  CHECK(limit("key", "id, line", "critical") == "0");
  CHECK(run["table_info{dataset=\"orders\",owner=\"team\",severity=\"warning\"}"] == "1");
  CHECK(run["check_success{dataset=\"orders\",check=\"key\",column=\"id, line\"}"] == "1");
  CHECK(run["interval_seconds{dataset=\"orders\",check=\"key\",column=\"id, line\"}"] == "3600");
  CHECK(run["interval_seconds{dataset=\"orders\",check=\"range\",column=\"amount\"}"] == "600");
  CHECK(run["statements_total{dataset=\"orders\",check=\"scan\"}"] == "2");  // clock and checks
  CHECK(run["statements_total{dataset=\"orders\",check=\"key\"}"] == "1");
}

TEST_CASE("rows of the future do not hide that data are late") {
  Shop shop;
  make_orders(shop);
  add(shop, "1, 1, 'a', 'paid', 10, '2026-01-02 03:04:05', '2026-01-03 00:00:00'");
  add(shop, "2, 1, 'a', 'paid', 10, '2099-01-01 00:00:00', '2099-01-01 00:00:00'");
  add(shop, "3, 1, 'a', 'paid', 10, datetime('now', '+6 minutes'), NULL");
  const auto run = run_once(
      shop, watching("time: at, loaded: loaded, window: 1h, max_age: {event: 6h, loaded: 90m}"));
  CHECK(run["newest_timestamp_seconds{dataset=\"orders\",of=\"event\"}"] == "1767323045");
  CHECK(run["newest_timestamp_seconds{dataset=\"orders\",of=\"loaded\"}"] == "1767398400");
  CHECK(run["failing_rows{dataset=\"orders\",check=\"future\",column=\"at\"}"] == "2");
  const std::string rest = ",owner=\"\",severity=\"warning\"}";
  CHECK(run["max_age_seconds{dataset=\"orders\",of=\"event\"" + rest] == "21600");
  CHECK(run["max_age_seconds{dataset=\"orders\",of=\"loaded\"" + rest] == "5400");
}

TEST_CASE("an empty table is said to be so, and has no newest row") {
  Shop shop;
  make_orders(shop);
  const auto configuration = watching("time: at, window: 1h, max_age: 6h, not_null: {customer: 0}");
  const auto run = run_once(shop, configuration);
  CHECK(run.failure.empty());
  CHECK(run["table_empty{dataset=\"orders\"}"] == "1");
  CHECK(run["rows{dataset=\"orders\",window=\"1h\"}"] == "0");
  CHECK(run["failing_rows{dataset=\"orders\",check=\"not_null\",column=\"customer\"}"] == "0");
  CHECK(run["newest_timestamp_seconds{dataset=\"orders\",of=\"event\"}"] == "absent");
  CHECK(run["check_success{dataset=\"orders\",check=\"freshness\",column=\"at\"}"] == "1");
  // A table that is not empty, but has no row in the window.
  add(shop, "1, 1, 'a', 'paid', 10, '2026-01-02 03:04:05', NULL");
  const auto later = run_once(shop, configuration);
  CHECK(later["table_empty{dataset=\"orders\"}"] == "0");
  CHECK(later["rows{dataset=\"orders\",window=\"1h\"}"] == "0");
}

TEST_CASE("a check that fails costs no other one, and is asked for apart from then on") {
  Shop shop;
  make_orders(shop);
  add(shop, "1, 1, NULL, 'lost', 99, " + ago("1") + ", NULL");
  const auto collector = quality(
      shop, watching("time: at, not_null: {customer: 0, colour: 0}, range: {amount: [0, 10]}, "
                     "accepted: {status: [paid]}"));
  const auto check = [](const RunOf& run, const std::string& column) {
    return run["check_success{dataset=\"orders\",check=\"not_null\",column=\"" + column + "\"}"] +
           " " +
           run["failing_rows{dataset=\"orders\",check=\"not_null\",column=\"" + column + "\"}"];
  };
  const auto statements = [](const RunOf& run) {
    return std::stoi(run["statements_total{dataset=\"orders\",check=\"scan\"}"]);
  };
  const auto first = run_of(collector, "sql_quality_");
  CHECK_THAT(first.failure, StartsWith("orders: not_null colour: [SQLite]no such column"));
  CHECK(check(first, "customer") == "1 1");
  CHECK(check(first, "colour") == "0 absent");
  CHECK(first["failing_rows{dataset=\"orders\",check=\"range\",column=\"amount\"}"] == "1");
  CHECK(first["failing_rows{dataset=\"orders\",check=\"accepted\",column=\"status\"}"] == "1");
  CHECK(first["check_success{dataset=\"orders\",check=\"rows\",column=\"\"}"] == "1");

  const auto second = run_of(collector, "sql_quality_");
  CHECK(statements(second) == statements(first) + 2);
  CHECK(check(second, "colour") == "0 absent");

  shop.execute("ALTER TABLE orders ADD COLUMN colour TEXT");
  const auto third = run_of(collector, "sql_quality_");
  CHECK(third.failure.empty());
  CHECK(check(third, "colour") == "1 1");
  const auto fourth = run_of(collector, "sql_quality_");
  CHECK(statements(fourth) == statements(third) + 1);
}

TEST_CASE("a table that is not there costs two statements, and no other table") {
  Shop shop;
  make_orders(shop);
  const auto collector =
      quality(shop,
              "quality:\n  shop:\n    tables:\n"
              "      gone: {time: at, not_null: {a: 0, b: 0, c: 0}, key: {columns: [a]}}\n"
              "      \"\\\"main\\\".Orders\": {time: at}\n");
  const auto run = run_of(collector, "sql_quality_");
  CHECK_THAT(run.failure, StartsWith("gone: [SQLite]no such table"));
  CHECK(run["check_success{dataset=\"gone\",check=\"rows\",column=\"\"}"] == "0");
  CHECK(run["check_success{dataset=\"gone\",check=\"key\",column=\"a\"}"] == "0");
  CHECK(run["check_success{dataset=\"main.orders\",check=\"rows\",column=\"\"}"] == "1");
  CHECK(run["table_empty{dataset=\"main.orders\"}"] == "1");
  const auto scans = run["statements_total{dataset=\"gone\",check=\"scan\"}"];
  CHECK(scans == "3");  // the clock, the checks, whether the table exists
}

TEST_CASE("what cannot be measured is shown for three intervals") {
  Measured value{{}, std::chrono::seconds(10)};
  const Time then(std::chrono::seconds(1'000'000));
  CHECK_FALSE(value.is_fresh(then));
  value.measured = then;
  CHECK(value.is_fresh(then + std::chrono::seconds(30)));
  CHECK_FALSE(value.is_fresh(then + std::chrono::milliseconds(30'001)));
}

TEST_CASE("checks of a database that is not there have failed, and keep their values") {
  Shop shop;
  make_orders(shop);
  add(shop, "1, 1, NULL, 'lost', 99, " + ago("1") + ", NULL");
  const auto collector = quality(shop, watching("time: at, not_null: {customer: 0}"));
  CHECK(run_of(collector, "sql_quality_").failure.empty());
  shop.execute("ALTER TABLE orders RENAME TO gone");
  const auto run = run_of(collector, "sql_quality_");
  CHECK_FALSE(run.failure.empty());
  CHECK(run["check_success{dataset=\"orders\",check=\"not_null\",column=\"customer\"}"] == "0");
  CHECK(run["failing_rows{dataset=\"orders\",check=\"not_null\",column=\"customer\"}"] == "1");
}

TEST_CASE("a check that fails does not put off those of other tables") {
  Shop shop;
  const auto collector = quality(shop, watching("time: at", "    every: 10m\n"));
  const auto& every = std::get<Every>(collector.schedule);
  CHECK(every.interval == std::chrono::minutes(10));
  CHECK(every.longest_pause == every.interval);
}

TEST_CASE("what is beyond the budget is skipped, and counted") {
  Shop shop;
  make_orders(shop);
  const auto run = run_once(shop, watching("time: at, key: {columns: [id]}, schema: watch",
                                           "    budget: {per_hour: 0s}\n"));
  CHECK(run.failure.empty());
  for (const std::string kind : {"scan", "key", "schema"}) {
    CHECK(run["statements_total{dataset=\"orders\",check=\"" + kind + "\"}"] == "0");
    CHECK(std::stoi(run["skipped_total{dataset=\"orders\",check=\"" + kind + "\"}"]) >= 1);
  }
  CHECK(run["check_success{dataset=\"orders\",check=\"rows\",column=\"\"}"] == "0");
  CHECK(run["last_success_timestamp_seconds{dataset=\"orders\",check=\"rows\",column=\"\"}"] ==
        "absent");
}

TEST_CASE("a key is looked at at its own pace") {
  Shop shop;
  make_orders(shop);
  const auto collector = quality(shop, watching("key: {columns: [id]}", "    every: 1s\n"));
  run_of(collector, "sql_quality_");
  const auto run = run_of(collector, "sql_quality_");
  CHECK(run["statements_total{dataset=\"orders\",check=\"key\"}"] == "1");
  CHECK(run["statements_total{dataset=\"orders\",check=\"scan\"}"] == "3");
}

TEST_CASE("rows whose value is missing in another table are counted, of those in the window") {
  Shop shop;
  make_orders(shop);
  // The referenced table has a column with the name of the referencing one, and a NULL.
  shop.execute("CREATE TABLE customers (code TEXT, customer TEXT)");
  shop.execute("INSERT INTO customers VALUES ('a', 'z'), ('b', 'z'), ('b', 'z'), (NULL, 'z')");
  for (const std::string customer : {"'a'", "'b'", "'z'", "'Z'", "NULL"}) {
    add(shop, "1, 1, " + customer + ", 'paid', 1, " + ago("1") + ", NULL");
  }
  add(shop, "1, 1, 'z', 'paid', 1, " + ago("30") + ", NULL");  // before the window
  const auto failing = [&](const std::string& more) {
    const auto run = run_once(shop, watching("time: at, references: {customer: customers.code, "
                                             "lower(customer): main.customers.customer, "
                                             "severity: info}" +
                                             more));
    CHECK(run.failure.empty());
    const std::string rest = "dataset=\"orders\",check=\"references\",column=\"customer\"";
    CHECK(run["check_success{" + rest + "}"] == "1");
    CHECK(run["interval_seconds{" + rest + "}"] == "21600");
    CHECK(run["failing_ratio_limit{" + rest + ",owner=\"\",severity=\"info\"}"] == "0");
    CHECK(run["statements_total{dataset=\"orders\",check=\"references\"}"] == "2");
    CHECK(run["failing_rows{dataset=\"orders\",check=\"references\","
              "column=\"lower(customer)\"}"] == "2");
    return run["failing_rows{" + rest + "}"];
  };
  CHECK(failing(", window: 1d") == "2");
  CHECK(failing("") == "3");
}

TEST_CASE("a check with a pace of its own that fails is tried again in the next run") {
  Shop shop;
  make_orders(shop);
  const auto collector =
      quality(shop, watching("references: {customer: customers.code}", "    every: 1s\n"));
  const std::string check = "{dataset=\"orders\",check=\"references\",column=\"customer\"}";
  const auto first = run_of(collector, "sql_quality_");
  CHECK_THAT(first.failure, StartsWith("orders: references customer: [SQLite]no such table"));
  CHECK(first["check_success" + check] == "0");
  shop.execute("CREATE TABLE customers (code TEXT)");
  CHECK(run_of(collector, "sql_quality_")["check_success" + check] == "1");
  const auto third = run_of(collector, "sql_quality_");
  CHECK(third["statements_total{dataset=\"orders\",check=\"references\"}"] == "2");
}

TEST_CASE("a value that is not a time fails its check, which is named") {
  Shop shop;
  make_orders(shop);
  add(shop, "1, 1, 'a', 'paid', 10, NULL, '1999-99'");
  const auto run = run_once(shop, watching("loaded: loaded, max_age: 6h"));
  CHECK_THAT(run.failure, StartsWith("orders: freshness loaded: "));
}

TEST_CASE("an outage says nothing of a check that was not due") {
  Shop shop;
  make_orders(shop);
  const auto source = shop.source(watching("key: {columns: [id]}"));
  const auto& config = *source->quality;
  QualityStatements statements(source->database, config);
  QualityTable table(config.tables[0], config.every);
  CHECK(table.measure(statements, Deadline::in(std::chrono::minutes(5))).empty());
  table.fail();
  for (const auto& measured : table.values()) {
    CHECK(measured.is_good == (measured.item.check == "key"));
  }
}

TEST_CASE("columns of another type than expected are missing, and logged once") {
  Shop shop;
  make_orders(shop);
  const testing::CaughtLog log(shop.directory() / "log");
  const auto collector =
      quality(shop, watching("schema: {id: Integer, amount: text, colour: text}"));
  const std::string missing = "columns_missing{dataset=\"orders\",owner=\"\",severity=\"warning\"}";
  const auto logged = [&](const std::string& columns) {
    exporter::log::flush(std::chrono::seconds(60));
    return log.lines("dataset=orders columns=" + columns).size();
  };
  const std::string both = "\"amount is NUMERIC, not text, colour is missing\"";
  CHECK(run_of(collector, "sql_quality_")[missing] == "2");
  CHECK(run_of(collector, "sql_quality_")[missing] == "2");
  CHECK(logged(both) == 1);
  shop.execute("ALTER TABLE orders ADD colour TEXT");
  // SQLite's driver describes a statement before it sees that the columns have changed.
  run_of(collector, "sql_quality_");
  CHECK(run_of(collector, "sql_quality_")[missing] == "1");
  CHECK(logged("\"amount is NUMERIC, not text\"") == 1);
  CHECK(logged(both) == 1);
}

TEST_CASE("a change of the columns while the clock was ahead is as old as its correction") {
  Ledgers ledgers("");
  const auto now = Ledger::wall_clock();
  {
    const auto ledger = ledgers.open("quality", "shop", {});
    auto run = ledger.begin(Deadline::in(std::chrono::minutes(1)));
    const auto ahead = (now + std::chrono::days(400)).time_since_epoch().count();
    run.set_metadata("columns/orders", std::to_string(ahead) + "\nid INTEGER");
    run.commit();
  }
  SchemaWatch watch(ledgers, "shop");
  const auto changed = watch.note("orders", {"id INTEGER"}, Deadline::in(std::chrono::minutes(1)));
  REQUIRE(changed);
  CHECK(*changed >= now);
  CHECK(*changed <= Ledger::wall_clock());
  CHECK(watch.note("orders", {"id INTEGER"}, Deadline::in(std::chrono::minutes(1))) == changed);
}

TEST_CASE("a change of the columns is noticed over a restart, and logged") {
  Shop shop;
  make_orders(shop);
  const auto configuration = watching("schema: [id, at, colour]");
  const auto first = run_once(shop, configuration);
  const std::string rest = ",owner=\"\",severity=\"warning\"}";
  CHECK(first["columns{dataset=\"orders\"}"] == "7");
  CHECK(first["columns_missing{dataset=\"orders\"" + rest] == "1");
  CHECK(first["schema_changed_timestamp_seconds{dataset=\"orders\"" + rest] == "absent");

  shop.execute("ALTER TABLE orders RENAME COLUMN line TO colour");
  const testing::CaughtLog log(shop.directory() / "log");
  const auto second = run_once(shop, configuration);
  CHECK(second["columns{dataset=\"orders\"}"] == "7");
  CHECK(second["columns_missing{dataset=\"orders\"" + rest] == "0");
  CHECK(second["schema_hash{dataset=\"orders\"}"] != first["schema_hash{dataset=\"orders\"}"]);
  const auto changed = second["schema_changed_timestamp_seconds{dataset=\"orders\"" + rest];
  CHECK(changed != "absent");
  exporter::log::flush(std::chrono::seconds(60));
  CHECK(log.lines("dataset=orders added=\"colour INTEGER\" removed=\"line INTEGER\"").size() == 1);

  const auto third = run_once(shop, configuration);
  CHECK(third["schema_changed_timestamp_seconds{dataset=\"orders\"" + rest] == changed);
  exporter::log::flush(std::chrono::seconds(60));
  CHECK(log.lines("dataset=orders added=").size() == 1);
}

TEST_CASE("rows of the last hour stand beside the median of the same hour in the weeks before") {
  constexpr int kWeek = 168;
  RunOf run, later;
  within_one<std::chrono::hours>([&] {
    Shop shop;
    make_orders(shop);
    add_hour(shop, 5 * kWeek, 1);  // so that all weeks are in the baseline
    add_hour(shop, kWeek + 1, 9);
    add_hour(shop, 2 * kWeek + 1, 2);
    add_hour(shop, 3 * kWeek + 1, 4);
    add_hour(shop, 4 * kWeek + 1, 3);
    add_hour(shop, 1, 5);
    add_hour(shop, 0, 50);  // the hour that has not ended
    const auto collector = quality(shop, watching("time: at, volume: {period: 1h, min: 0.25}"));
    run = run_of(collector, "sql_quality_");
    add_hour(shop, 1, 1);
    add_hour(shop, kWeek + 1, 100);
    later = run_of(collector, "sql_quality_");
  });
  CHECK(run["period_rows{dataset=\"orders\"}"] == "5");
  CHECK(run["period_rows_baseline{dataset=\"orders\"}"] == "3.5");
  const auto limit = [&](const std::string& bound) {
    return run["volume_ratio_limit{dataset=\"orders\",bound=\"" + bound +
               "\",owner=\"\",severity=\"warning\"}"];
  };
  CHECK(limit("min") == "0.25");
  CHECK(limit("max") == "3");
  CHECK(run["volume_rows_min{dataset=\"orders\"}"] == "50");
  // Rows that come in late count; other weeks are not counted again within the hour.
  CHECK(later["period_rows{dataset=\"orders\"}"] == "6");
  CHECK(later["period_rows_baseline{dataset=\"orders\"}"] == "3.5");
}

TEST_CASE("weeks before the first row are none, and three are needed") {
  constexpr int kWeek = 168;
  const auto baseline = [](int weeks, const std::string& more = "") {
    RunOf run;
    within_one<std::chrono::hours>([&] {
      Shop shop;
      make_orders(shop);
      for (int week = 0; week <= weeks; ++week) add_hour(shop, week * kWeek + 1, 10);
      add_hour(shop, weeks * kWeek + 3, 1);
      if (!more.empty()) add(shop, "1, 1, 'c', 'paid', 1, " + more + ", NULL");
      run = run_once(shop, watching("time: at, volume: {period: 1h}"));
    });
    return run["period_rows_baseline{dataset=\"orders\"}"];
  };
  CHECK(baseline(3) == "10");
  CHECK(baseline(3, "'0000-00-00 00:00:00'") == "10");
  CHECK(baseline(2) == "absent");
}
