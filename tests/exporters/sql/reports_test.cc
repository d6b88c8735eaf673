#include "exporters/sql/reports.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "exporters/sql/tables_of.h"
#include "exporters/sql/trial.h"
#include "tests/exporters/sql/business_shop.h"
#include "tests/exporters/sql/orders.h"
#include "tests/exporters/sql/shop.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::sql;
using Catch::Contains;
using Catch::StartsWith;

namespace {

Deadline soon() { return Deadline::in(std::chrono::minutes(5)); }

const std::string kOthers =
    "reconcile:\n  orders:\n    left: {source: shop, table: orders, time: at}\n"
    "    right: {source: warehouse, table: raw.orders, time: created}\n"
    "replication:\n  - {primary: shop, replica: warehouse, table: orders, time: at, max_lag: 1h, "
    "heartbeat: {table: beats, time: ts}}\n";
/// A source of this driver, beside another one. It is never connected to.
std::shared_ptr<Source> source_of(const std::string& driver, const std::string& configuration,
                                  std::size_t which = 0) {
  const auto file = Yaml::parse("sources:\n  - {name: shop, odbc: \"Driver=" + driver +
                                    ";Database=shop;Uid=monitor\"}\n  - {name: warehouse, odbc: "
                                    "\"Driver=" +
                                    driver + ";Database=dwh;Uid=reader\"}\n" + configuration,
                                "test.yml");
  const auto entry = file.required("sources").items()[which];
  return kSources.make({entry.required("name").string(), entry, nullptr, upstreams(),
                        std::make_shared<Ledgers>(""), false, true, &file});
}

std::string print_sql(const std::shared_ptr<Source>& source) {
  return write_statements(*source, {{}, {}, soon()}).text;
}

std::string grants(const std::shared_ptr<Source>& source) {
  return write_grants(*source, {{}, {}, soon()}).text;
}

ReportText report_on(const std::shared_ptr<Source>& source, std::string_view collector) {
  return explain(*source, {{}, collector, soon()});
}

std::string explained(const std::shared_ptr<Source>& source, std::string_view collector) {
  return report_on(source, collector).text;
}

std::size_t count(const std::string& text, const std::string& piece) {
  std::size_t found = 0;
  for (auto at = text.find(piece); at != text.npos; at = text.find(piece, at + 1)) ++found;
  return found;
}

std::string second_source(const Shop& other) {
  return "  - {name: warehouse, odbc: \"" + other.odbc() + "\"}\n";
}

}  // namespace

TEST_CASE("what a collector of any kind runs is in the plans") {
  Shop shop, warehouse;
  make_orders(shop);
  shop.execute(BusinessShop().sql(Dialect::sqlite));
  shop.execute("CREATE TABLE beats (ts TEXT); INSERT INTO beats VALUES (datetime('now'))");
  warehouse.execute(
      "CREATE TABLE orders (created TEXT, at TEXT); INSERT INTO orders VALUES (datetime('now'), "
      "datetime('now')); CREATE TABLE beats (ts TEXT); INSERT INTO beats VALUES (datetime('now'))");
  auto others = kOthers;
  others.erase(others.find("raw."), 4);
  const auto source =
      shop.source(second_source(warehouse) + kQuality + others + kBusiness + kEvents);
  const auto all = described_for_trial(*source);
  std::set<std::string> known;
  const auto key = [](const std::string& of, const std::string& text) {
    return of + ": " + shape_of(text, Dialect::sqlite);
  };
  for (const auto& described : all) {
    for (const auto& planned : described.plan()) known.insert(key(planned.source, planned.text));
  }
  for (const auto& described : all) {
    Samples samples;
    std::size_t ran = 0;
    const auto failure = try_once(described, samples, soon(),
                                  [&](const std::string& of, const Database::Ran& statement) {
                                    ++ran;
                                    INFO(statement.statement);
                                    CHECK(known.contains(key(of, statement.statement)));
                                  });
    INFO(described.collector.name << ": " << (failure ? failure->what() : ""));
    CHECK_FALSE(failure);
    CHECK(ran > 0);
  }
}

TEST_CASE("each statement is printed once, with the collectors that run it, and nothing is asked") {
  const auto text =
      print_sql(source_of("PostgreSQL Unicode", kQuality + kOthers + kBusiness + kEvents));
  CHECK(count(text, "SELECT day FROM bm_calendar") == 1);
  for (const auto* name : {"funnels: every 5m", "campaigns: every 1h", "engagement", "sales"}) {
    CHECK(count(text, "-- source shop, collector business_" + std::string(name)) >= 1);
  }
  CHECK(count(text, "GROUP BY id HAVING COUNT(*) > 1") == 1);
  CHECK(count(text, "SELECT * FROM orders WHERE 1 = 0;") == 1);
  CHECK(count(text, "FROM raw.orders WHERE created >= TIMESTAMPTZ '") == 1);
  CHECK_THAT(text,
             Contains("-- source warehouse, collector reconcile of shop: every 10m, timeout 10m\n"
                      "SELECT dpe_day"));
  CHECK_THAT(text, Contains("-- source warehouse, collector replication of shop: every 30s, "
                            "timeout 1m30s\nSELECT MAX(at) AS newest FROM orders"));
  CHECK(count(text, "FROM pg_stat_replication") == 1);
  CHECK_THAT(text, Contains("collector counted: every 1m, timeout 10s; :since is 1m before the "
                            "newest event, and every 1h 6h before it\nSELECT id, at"));
  CHECK(count(text, ":newest") == 0);
}

TEST_CASE("the least rights are of tables, and of what servers say of themselves") {
  const auto configuration = kQuality + kOthers + kBusiness;
  const auto of_postgresql = grants(source_of("PostgreSQL Unicode", configuration));
  CHECK_THAT(of_postgresql, Contains("CONNECTION LIMIT 4") &&
                                Contains("GRANT pg_monitor TO \"monitor\";\n") &&
                                Contains("GRANT SELECT ON orders TO \"monitor\";\n") &&
                                Contains("GRANT SELECT ON bm_email_events TO \"monitor\";\n") &&
                                StartsWith("-- source shop, in the database shop\n-- Put the "
                                           "password in quotes in the place of ...\nCREATE ROLE "
                                           "\"monitor\" LOGIN PASSWORD ... CONNECTION") &&
                                Contains("\n-- Leave out the views bm_* that do not exist.\n") &&
                                Contains("-- source warehouse, in the database dwh, for "
                                         "collectors of shop, after its user is created\n") &&
                                Contains("GRANT pg_monitor TO \"reader\";\n") &&
                                Contains("GRANT USAGE ON SCHEMA raw TO \"reader\";\n") &&
                                Contains("GRANT SELECT ON raw.orders TO \"reader\";\n") &&
                                Contains("GRANT SELECT ON beats TO \"reader\";\n"));
  CHECK_THAT(of_postgresql, !Contains("SELECT ON pg_") && !Contains("raw.orders TO \"monitor\""));
  // A connection for each of the two collectors of the shop.
  CHECK_THAT(grants(source_of("PostgreSQL Unicode", configuration, 1)),
             Contains("CONNECTION LIMIT 6") && !Contains("bm_*"));
  const auto of_mariadb = grants(source_of("MariaDB Unicode", configuration));
  CHECK_THAT(of_mariadb, Contains("GRANT SELECT ON `shop`.orders TO 'monitor'@'%';\n") &&
                             Contains("GRANT SELECT ON raw.orders TO 'reader'@'%';\n") &&
                             Contains("GRANT REPLICA MONITOR ON *.* TO 'reader'@'%';\n") &&
                             !Contains("MONITOR ON *.* TO 'monitor'"));
  CHECK_THAT(grants(source_of("MySQL ODBC", configuration)),
             Contains("GRANT REPLICATION CLIENT ON *.* TO 'reader'@'%';\n"));
}

TEST_CASE("no server takes the printed user before it has a password") {
  CHECK_THAT(grants(source_of("MariaDB Unicode", kEvents)),
             StartsWith("-- source shop, in the database shop\n-- Put the password in quotes in "
                        "the place of ...\nCREATE USER 'monitor'@'%' IDENTIFIED BY ... WITH "));
  CHECK_THAT(grants(source_of("FreeTDS", kEvents)),
             StartsWith("-- source shop, in the database shop\n-- Put the password in quotes in "
                        "the place of ...\nCREATE LOGIN \"monitor\" WITH PASSWORD = ...;\n"));
  CHECK_THAT(grants(source_of("SQLite3", kEvents)), StartsWith("-- source shop\n-- Read"));
}

TEST_CASE("a table of PostgreSQL is granted once, with its schema where a statement names that") {
  const auto read = [](const std::string& name, const std::string& table) {
    return "  " + name + ":\n    every: 1m\n    query: SELECT n FROM " + table +
           "\n    metrics: [{name: m_" + name + ", help: M., value: n}]\n";
  };
  const auto both = "collectors:\n" + read("a", "orders") + read("b", "public.orders") +
                    read("c", "raw.lines") + read("d", "lines");
  const auto of_postgresql = grants(source_of("PostgreSQL Unicode", both));
  CHECK(count(of_postgresql, "GRANT SELECT ON orders ") == 0);
  CHECK(count(of_postgresql, "GRANT SELECT ON public.orders ") == 1);
  CHECK(count(of_postgresql, "GRANT SELECT ON raw.lines ") == 1);
  CHECK(count(of_postgresql, "GRANT SELECT ON lines ") == 1);
  CHECK(count(of_postgresql, "GRANT USAGE ON SCHEMA public ") == 1);
  CHECK(count(grants(source_of("MariaDB Unicode", both)), ".orders TO") == 2);
}

TEST_CASE("what a server is asked about itself needs a right of its own") {
  const auto of = [](std::string_view query, Dialect dialect) {
    const auto privileges = privileges_of(query, dialect);
    return privileges.empty() ? "" : *privileges.begin();
  };
  CHECK(of("SELECT 1 FROM pg_catalog.pg_stat_activity", Dialect::postgresql) == "pg_monitor");
  CHECK(of("SELECT 1 FROM orders -- pg_stat_activity", Dialect::postgresql).empty());
  CHECK(of("SHOW ALL SLAVES STATUS", Dialect::mariadb) == "REPLICA MONITOR");
  CHECK(of("SHOW MASTER STATUS", Dialect::mariadb) == "BINLOG MONITOR");
  CHECK(of("show binary logs", Dialect::mysql) == "REPLICATION CLIENT");
  CHECK(of("SELECT slave FROM master", Dialect::mariadb).empty());
}

TEST_CASE("the status of a replica is asked for once, however many of its tables are watched") {
  const auto source = source_of("MariaDB Unicode",
                                "replication:\n  - {primary: shop, replica: warehouse, table: a, "
                                "time: at, max_lag: 1h}\n  - {primary: shop, replica: warehouse, "
                                "table: b, time: at, max_lag: 1h}\n");
  const auto plan = describe_all(source).front().plan();
  CHECK(std::ranges::count(plan, "SHOW REPLICA STATUS", &Planned::text) == 1);
}

TEST_CASE("a run is explained by its statements, what came back and what was refused") {
  Shop shop;
  make_orders(shop);
  auto configuration = kQuality;
  configuration.replace(configuration.find("{id: 0}"), 7, "{id: 0, colour: 0}");
  const auto [text, is_good, choices] = report_on(shop.source(configuration), "quality");
  CHECK_FALSE(is_good);
  CHECK_THAT(text,
             Contains("source shop, collector quality\nevery 10m, timeout 6m\n\n") &&
                 Contains("SELECT * FROM orders WHERE 1 = 0;\n\n0 rows in ") &&
                 Contains("\n  id  at\n") && Contains("refused after ") &&
                 Contains("no such column: colour") &&
                 Contains("sql_quality_rows{source=\"shop\",dataset=\"orders\",window=\"1d\"} "
                          "1\n") &&
                 Contains("\nrefused\n  orders: not_null colour: [SQLite]no such column: colour"));
}

TEST_CASE("a collector that is not there is explained by those that are") {
  Shop shop;
  const auto report = report_on(shop.source(kQuality + kEvents), "qualities");
  CHECK(report.text.empty());
  CHECK(report.choices == std::vector<std::string>{"counted", "quality"});
}

TEST_CASE("a run is not good when a statement is refused, or a row left out") {
  Shop shop;
  const auto is_good = [&](const std::string& query) {
    const auto configuration = "collectors:\n  a:\n    every: 1m\n    query: " + query +
                               "\n    metrics: [{name: b, help: B., value: n, labels: [l]}]\n";
    return report_on(shop.source(configuration), "a").is_good;
  };
  CHECK(is_good("SELECT 1 AS n, 'x' AS l"));
  CHECK_FALSE(is_good("SELECT m AS n, 'x' AS l"));
  CHECK_FALSE(is_good("SELECT 1 AS n, 'x' AS l UNION ALL SELECT 'many', 'y'"));
  CHECK_FALSE(is_good("SELECT 1 AS n, 'x' AS l UNION ALL SELECT 2, 'x'"));
}

TEST_CASE("a run that is explained shows the other source, and events that are not too late") {
  Shop shop, warehouse;
  make_orders(shop);
  warehouse.execute("CREATE TABLE orders (at TEXT); CREATE TABLE beats (ts TEXT)");
  const auto source = shop.source(second_source(warehouse) + kOthers + kEvents);
  CHECK_THAT(explained(source, "replication"),
             Contains("-- source warehouse\nSELECT MAX(at) AS newest"));
  CHECK_THAT(explained(source, "counted"), Contains("counted_total{source=\"shop\"} 1\n"));
}

TEST_CASE("a query of which one metric is wrong shows the others") {
  Shop shop;
  const auto text = explained(
      shop.source("collectors:\n  a:\n    every: 1m\n    query: SELECT 1 AS n\n    metrics:\n"
                  "      - {name: b, help: B., value: m}\n      - {name: c, help: C., value: n}\n"),
      "a");
  CHECK_THAT(text, Contains("c{source=\"shop\"} 1\n") &&
                       Contains("refused\n  b: the query returns no column m, but n\n"));
}

TEST_CASE("a source that only others read is asked whether it can be used") {
  const auto names = [](const std::string& configuration, std::size_t which) {
    std::string all;
    for (const auto& collector : kSources.describe(source_of("PostgreSQL", configuration, which))) {
      all += collector.name + (collector.says_up ? "! " : " ");
    }
    return all;
  };
  const std::string reconcile =
      "reconcile: {r: {left: {source: shop, table: a, time: t}, right: {source: warehouse, table: "
      "a, time: t}, measures: {rows: 0}}}\n";
  CHECK(names(reconcile, 0) == "reconcile reachable! ");
  CHECK(names(reconcile, 1) == "reachable! ");
  const std::string query =
      "collectors: {a: {sources: [shop], every: 1m, query: SELECT 1 AS n, metrics: [{name: n, "
      "help: N., value: n}]}}\n";
  CHECK(names(reconcile + query, 0) == "a! reconcile ");
}

TEST_CASE("a source that nothing else asks is asked whether it answers") {
  Shop shop;
  const auto source = shop.source("");
  Shop::page(source, "reachable");
  CHECK(source->database.figures().queries == 1);
}

TEST_CASE("what two databases run is SQL of both") {
  const auto error = [](const std::string& more) {
    return error_of(Reason::config, [&] {
      const auto file = Yaml::parse(
          "sources:\n  - {name: shop, odbc: Driver=PostgreSQL}\n  - {name: other, odbc: "
          "Driver=MariaDB}\n" +
              more,
          "test.yml");
      const auto entry = file.required("sources").items().front();
      kSources.make(
          {"shop", entry, nullptr, upstreams(), std::make_shared<Ledgers>(""), false, true, &file});
    });
  };
  CHECK_THAT(error("replication: [{primary: shop, replica: other, table: $$, time: t, max_lag: "
                   "1h}]"),
             Contains("replication[0].table: the literal in line 1"));
  CHECK_THAT(error("replication: [{primary: shop, replica: other, table: a, time: t;, max_lag: "
                   "1h}]"),
             Contains("replication[0].time: expected a part of a statement, without a semicolon"));
  CHECK_THAT(error("reconcile: {r: {left: {source: shop, table: a, time: t}, right: {source: "
                   "other, table: a, time: t}, measures: {\"sum(`)\": 0}}}"),
             Contains("the quoted name in line 1"));
}
