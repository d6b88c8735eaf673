#include "exporters/sql/reconcile.h"

#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "tests/exporters/sql/quality_fixture.h"
#include "tests/support/caught_log.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;
using Catch::Contains;

namespace {

/// A second source besides the shop, and the configuration of `reconcile`.
std::string comparing(const Shop& warehouse, const std::string& orders) {
  return "  - {name: warehouse, odbc: \"" + warehouse.odbc() + "\"}\nreconcile:\n  orders: {" +
         orders + "}\n";
}

const std::string kSides =
    "left: {source: shop, table: orders, time: at}, "
    "right: {source: warehouse, table: raw_orders, time: created}";

void make(Shop& shop, const std::string& table, const std::string& time) {
  shop.execute("CREATE TABLE " + table + " (" + time + " TEXT, amount NUMERIC)");
}

/// Adds rows in the first and the last second of a day in UTC, that many days ago.
void add_day(Shop& shop, const std::string& table, int days_ago, const std::string& amount) {
  const auto day = "date('now', '-" + std::to_string(days_ago) + " days')";
  for (const std::string clock : {"00:00:00", "23:59:59"}) {
    shop.execute("INSERT INTO " + table + " VALUES (" + day + " || ' " + clock + "', " + amount +
                 ")");
  }
}

RunOf compared(Shop& shop, const Shop& warehouse, const std::string& orders) {
  const auto source = shop.source(comparing(warehouse, orders));
  return run_of(Shop::collector(source, "reconcile"), "sql_quality_reconciliation_");
}

std::string labels(const std::string& measure) {
  return "{dataset=\"orders\",reconciliation=\"orders\",measure=\"" + measure + "\"}";
}

}  // namespace

TEST_CASE("days that differ are counted, and those that are not settled are left out") {
  RunOf run;
  std::vector<std::string> logged;
  std::string fourth, sixth;
  within_one<std::chrono::days>([&] {
    Shop shop, warehouse;
    make(shop, "orders", "at");
    make(warehouse, "raw_orders", "created");
    for (int day = 0; day < 12; ++day) {
      add_day(shop, "orders", day, "10.10");
      if (day == 1 || day == 9) continue;  // not final yet; before the window
      if (day == 4) continue;              // a day without rows in one source
      add_day(warehouse, "raw_orders", day, day == 6 ? "10.11" : day == 3 ? "10.101" : "10.1");
    }
    fourth = shop.text("SELECT date('now', '-4 days')");
    sixth = shop.text("SELECT date('now', '-6 days')");
    const testing::CaughtLog log(shop.directory() / "log");
    run = compared(shop, warehouse,
                   kSides +
                       ", measures: {rows: 0, sum(amount): 0.005}, owner: team, "
                       "severity: critical");
    exporter::log::flush(std::chrono::seconds(60));
    logged = log.lines("measure=");
  });
  CHECK(run.failure.empty());
  CHECK(run["difference" + labels("rows")] == "2");
  CHECK(run["days_different" + labels("rows")] == "1");
  CHECK(std::stod(run["difference" + labels("sum(amount)")]) == Approx(20.2));
  CHECK(run["days_different" + labels("sum(amount)")] == "2");
  CHECK(run["difference_limit{dataset=\"orders\",reconciliation=\"orders\",measure=\"sum(amount)\","
            "owner=\"team\",severity=\"critical\"}"] == "0.005");
  CHECK(run["success{dataset=\"orders\",reconciliation=\"orders\"}"] == "1");
  CHECK(run["interval_seconds{dataset=\"orders\",reconciliation=\"orders\"}"] == "86400");
  CHECK(logged ==
        std::vector<std::string>{"measure=sum(amount) day=" + sixth + " left=20.2 right=20.22",
                                 "measure=rows day=" + fourth + " left=2 right=0",
                                 "measure=sum(amount) day=" + fourth + " left=20.2 right=0"});
}

TEST_CASE("a difference is found once a day, and a failure is tried again") {
  Shop shop, warehouse;
  make(shop, "orders", "at");
  const auto source = shop.source(comparing(warehouse, kSides));
  const auto collector = Shop::collector(source, "reconcile");
  const auto first = run_of(collector, "sql_quality_reconciliation_");
  CHECK_THAT(first.failure, Contains("orders: source warehouse: ") && Contains("raw_orders"));
  CHECK(first["success{dataset=\"orders\",reconciliation=\"orders\"}"] == "0");
  CHECK(first["info{dataset=\"orders\",reconciliation=\"orders\",right_source=\"warehouse\","
              "owner=\"\",severity=\"warning\"}"] == "1");
  CHECK(first["difference" + labels("rows")] == "absent");

  make(warehouse, "raw_orders", "created");
  const auto second = run_of(collector, "sql_quality_reconciliation_");
  CHECK(second.failure.empty());
  CHECK(second["difference" + labels("rows")] == "0");

  add_day(shop, "orders", 3, "1");
  const auto third = run_of(collector, "sql_quality_reconciliation_");
  CHECK(third["difference" + labels("rows")] == "0");  // not due yet
}

TEST_CASE("days are those of the zone") {
  Shop shop, warehouse;
  make(shop, "orders", "at");
  make(warehouse, "raw_orders", "created");
  // In Samoa, 13 hours ahead, the evening of a day in UTC is the next day.
  add_day(shop, "orders", 5, "1");
  add_day(warehouse, "raw_orders", 5, "1");
  warehouse.execute("UPDATE raw_orders SET created = datetime(created, '+3 hours')");
  const auto days = [&](const std::string& zone) {
    return compared(shop, warehouse,
                    kSides + ", days: {from: 1, to: 10, zone: " + zone +
                        "}")["days_different" + labels("rows")];
  };
  CHECK(days("UTC") == "2");
  CHECK(days("Pacific/Apia") == "0");
}

TEST_CASE("a mistake in a reconciliation is said") {
  Shop shop, warehouse;
  const auto error = [&](const std::string& orders) {
    return error_of(Reason::config, [&] { shop.source(comparing(warehouse, orders)); });
  };
  CHECK_THAT(
      error("left: {source: shop, table: a, time: b}, right: {source: x, table: a, time: b}"),
      Contains("right.source: there is no source of this name"));
  CHECK_THAT(error("left: {source: x, table: a, time: b}"),
             Contains("left.source: there is no source of this name"));
  CHECK_THAT(error(kSides + ", days: {from: 0}"), Contains("1 <= from <= to <= 60"));
  CHECK_THAT(error(kSides + ", days: {from: 5, to: 4}"), Contains("1 <= from <= to <= 60"));
  CHECK_THAT(error(kSides + ", measures: {}"), Contains("at least one measure"));
  CHECK_THAT(error(kSides + ", measures: {rows: -1}"), Contains("at least 0"));
  CHECK_THAT(error(kSides + ", measures: {\"sum(:a)\": 1}"), Contains(":a is not known"));
  CHECK_THAT(error(kSides + ", measures: {\"sum(:now)\": 1}"), Contains(":now is not known here"));
  CHECK_THAT(error(kSides + ", every: 1s"), Contains("at least 1m"));
  CHECK(error(kSides) == "no error");
}
