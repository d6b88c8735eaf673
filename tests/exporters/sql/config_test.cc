#include <catch2/catch.hpp>

#include "exporters/sql/tables_of.h"
#include "test_paths.h"
#include "tests/exporters/sql/shop.h"
#include "tests/support/error_of.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::sql;
using namespace std::chrono_literals;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

std::string error_in(const std::string& configuration) {
  Shop shop;
  return error_of(Reason::config, [&] { shop.source(configuration); });
}

/// The error for a metric of a query.
std::string error_in_metric(const std::string& metric) {
  return error_in("collectors:\n  a:\n    every: 1m\n    query: SELECT 1 AS n\n    metrics: [{" +
                  metric + "}]\n");
}

/// The error for a collector of one metric.
std::string error_in_collector(const std::string& lines) {
  return error_in("collectors:\n  a:\n" + lines + "    metrics: [{name: n, help: N., value: n}]\n");
}

}  // namespace

TEST_CASE("names of metrics follow the rules of OpenMetrics") {
  CHECK_THAT(error_in_metric("name: 1n, help: N., value: n"), Contains("not a metric name"));
  CHECK_THAT(error_in_metric("name: n_total, help: N., value: n"),
             Contains("only the name of a counter may end in _total"));
  CHECK_THAT(error_in_metric("name: n, type: counter, help: N., value: n"),
             Contains("must end in _total"));
  CHECK_THAT(error_in_metric("name: n_count, help: N., value: n"),
             Contains("only a histogram has names that end in _count"));
  CHECK_THAT(error_in_metric("name: n, help: '', value: n"), Contains("expected a sentence"));
  CHECK(error_in_metric("name: n_total, type: untyped, help: N., value: n") == "no error");
}

TEST_CASE("labels are valid, and not those that others set") {
  for (const auto* label : {"le", "job", "instance", "source", "__a"}) {
    CHECK_THAT(error_in_metric("name: n, help: N., value: n, labels: [" + std::string(label) + "]"),
               Contains("is reserved; give the column another name"));
  }
  CHECK_THAT(error_in_metric("name: n, help: N., value: n, labels: [a-b]"),
             Contains("not a label name"));
  CHECK_THAT(error_in_metric("name: n, help: N., value: n, labels: [a], static_labels: {a: b}"),
             Contains("duplicate label"));
  CHECK_THAT(
      error_in_metric("name: n, type: enum, help: N., value: n, states: [a], labels: [state]"),
      Contains("duplicate label"));
}

TEST_CASE("labels of a source are on one series of it") {
  Shop shop;
  const auto info = [&](const std::string& labels) {
    const auto page = Shop::page(kConnections.make(shop.source(labels)));
    const auto at = page.find("sql_source_info");
    return at == page.npos ? "absent" : page.substr(at, page.find('\n', at) - at);
  };
  CHECK(info("    labels: {team: core, environment: 'pr\"od'}\n") ==
        R"(sql_source_info{source="shop",environment="pr\"od",team="core"} 1)");
  CHECK(info("") == "absent");
  CHECK_THAT(error_in("    labels: {source: a}\n"),
             Contains("labels.source: expected a label name"));
  CHECK_THAT(error_in("    labels: {a-b: c}\n"), Contains("labels.a-b: expected a label name"));
  CHECK_THAT(error_in("    labels: {team: ''}\n"), Contains("expected a string of 1 to 500 bytes"));
}

TEST_CASE("settings of the session that are not in force are noted beside the connections") {
  const auto file =
      Yaml::parse(std::string("{name: a, odbc: 'Driver=") + HANGING_DRIVER + "'}", "test.yml");
  const auto source = kSources.make({"a", file, nullptr, upstreams(), nullptr, false, true});
  const auto note = [&] {
    Samples samples;
    kConnections.make(source)(samples, Deadline::in(1min));
    return samples.note();
  };
  CHECK(note() == "");
  const Statement statement("SELECT 1 AS one", Dialect::other);
  error_of(Reason::query, [&] { source->database.query(statement, {}, {}, Deadline::in(1min)); });
  CHECK_THAT(note(), StartsWith("session without read-only: ") && Contains(", time zone UTC: "));
}

TEST_CASE("what a metric needs is asked for") {
  CHECK_THAT(error_in_metric("name: n, help: N."), Contains("value"));
  CHECK_THAT(error_in_metric("name: n, type: sum, help: N., value: n"),
             Contains("expected gauge, counter, histogram, enum or untyped"));
  CHECK_THAT(error_in_metric("name: n, type: enum, help: N., value: n, states: []"),
             Contains("states"));
  CHECK_THAT(error_in_metric("name: n, type: enum, help: N., value: n, states: [a, a]"),
             Contains("duplicate state"));
  CHECK_THAT(error_in_metric(
                 "name: n, type: histogram, help: N., buckets: {2: a, 1: b}, count: c, sum: s"),
             Contains("bounds that ascend"));
  CHECK_THAT(error_in_metric("name: n, help: N., value: n}, {name: n, help: N., value: n"),
             Contains("duplicate name"));
}

TEST_CASE("a collector says how often it runs") {
  CHECK_THAT(error_in_collector("    query: SELECT 1 AS n\n"), Contains("expected `every: 1m`"));
  CHECK_THAT(error_in_collector("    every: 100ms\n    query: SELECT 1 AS n\n"),
             Contains("at least 1s"));
  CHECK_THAT(error_in_collector("    every: 1m\n    on_scrape: true\n    query: SELECT 1 AS n\n"),
             Contains("it runs on each scrape"));
  CHECK_THAT(error_in_collector("    every: 1m\n    timeout: 1ms\n    query: SELECT 1 AS n\n"),
             Contains("at least 100ms"));
}

TEST_CASE("a slip in a key of a collector is reported before what is missing for it") {
  CHECK_THAT(error_in_collector("    evry: 1m\n    query: SELECT 1 AS n\n"),
             EndsWith(": collectors.a.evry: unknown key, did you mean \"every\"?"));
  CHECK_THAT(
      error_in_collector("    every: 1m\n    query: SELECT :a AS n\n    paramters: {a: 1}\n"),
      EndsWith(": collectors.a.paramters: unknown key, did you mean \"parameters\"?"));
  CHECK_THAT(error_in_collector("    every: 1m\n    events:\n      query: SELECT id FROM o WHERE t "
                                ">= :since\n      units: id\n"),
             EndsWith(": collectors.a.events.units: unknown key, did you mean \"unit\"?"));
}

TEST_CASE("a query is one statement, and its parameters are known") {
  CHECK_THAT(error_in_collector("    every: 1m\n    query: SELECT 1 AS n; DROP TABLE a\n"),
             Contains("expected one statement"));
  CHECK_THAT(error_in_collector("    every: 1m\n    query: SELECT :a AS n\n"),
             Contains(":a is not a parameter"));
  CHECK_THAT(
      error_in_collector("    every: 1m\n    query: SELECT 1 AS n\n    parameters: {a: 1}\n"),
      Contains("the query has no parameter :a"));
  CHECK_THAT(
      error_in_collector("    every: 1m\n    query: SELECT :now AS n\n    parameters: {now: 1}\n"),
      Contains("the exporter sets :now"));
}

TEST_CASE("a collector is not called as one of the exporter's own") {
  for (const std::string name : {"quality", "reconcile", "replication", "business",
                                 "business_sales", "business_orders", "connections", "ledger"}) {
    CHECK_THAT(error_in("collectors:\n  " + name +
                        ":\n    every: 1m\n    query: SELECT 1 AS n\n    metrics: []\n"),
               Contains("collectors." + name + ": " + name +
                        " is a built-in collector; expected another name"));
  }
  CHECK(error_in("collectors:\n  business_hours:\n    every: 1m\n    query: SELECT 1 AS n\n"
                 "    metrics: [{name: n, help: N., value: n}]\n") == "no error");
}

TEST_CASE("a collector names sources that there are") {
  CHECK_THAT(error_in_collector("    every: 1m\n    sources: [shp]\n    query: SELECT 1 AS n\n"),
             Contains("there is no source of this name"));
}

TEST_CASE("events need a time, a unit and an overlap") {
  const std::string begin = "    every: 1m\n    events:\n      query: ";
  CHECK_THAT(error_in_collector(begin + "SELECT id, t FROM o\n      unit: id\n      when: t\n"
                                        "      overlap: 1m\n"),
             Contains("expected a condition on the time"));
  const auto query = begin + "SELECT id, t, n FROM o WHERE t >= :since\n";
  CHECK_THAT(error_in_collector(query + "      when: t\n      overlap: 1m\n"), Contains("unit"));
  CHECK_THAT(error_in_collector(query + "      unit: id\n      overlap: 1m\n"), Contains("when"));
  CHECK_THAT(error_in_collector(query + "      unit: id\n      when: t\n"), Contains("overlap"));
  CHECK_THAT(error_in_collector(query + "      unit: id\n      when: t\n      overlap: 1h\n"
                                        "      late: 1m\n"),
             Contains("late: expected at least the overlap"));
}

TEST_CASE("intervals and timeouts of centuries are not beyond what a clock can count") {
  Shop shop;
  shop.execute("CREATE TABLE orders (at TEXT); INSERT INTO orders VALUES (datetime('now'))");
  shop.execute("CREATE TABLE a AS SELECT * FROM orders");
  const auto source = shop.source("  - {name: other, odbc: \"" + shop.odbc() + "\"}\n" + R"(
collectors:
  a: {every: 150y, timeout: 292y, query: SELECT 1 AS n, metrics: [{name: n, help: N., value: n}]}
quality:
  shop: {every: 150y, budget: {timeout: 292y}, tables: {orders: {time: at}, a: {time: at}}}
replication:
  - {primary: shop, replica: other, table: orders, time: at, max_lag: 1h, every: 150y,
     timeout: 292y}
reconcile:
  orders: {left: {source: shop, table: orders, time: at},
           right: {source: other, table: orders, time: at}, days: {from: 1, to: 2, zone: UTC},
           measures: {rows: 0}, every: 150y, timeout: 292y}
)");
  const auto collectors = kSources.describe(source);
  CHECK(collectors.size() == 4);
  for (const auto& collector : collectors) {
    CAPTURE(collector.name);
    CHECK(collector.timeout > 290 * std::chrono::years(1));
    const auto& every = std::get<Every>(collector.schedule);
    CHECK(every.keep_stale_for >= std::chrono::days(3));
    Samples samples;
    CHECK_NOTHROW(collector.collect(samples, Deadline::in(1min)));
    CHECK(samples.failure() == std::nullopt);
  }
}

TEST_CASE("a password in the connection string is refused") {
  Shop shop;
  const auto file = Yaml::parse("{name: a, odbc: Driver=SQLite3;Pwd=secret}", "test.yml");
  const auto error = error_of(Reason::config, [&] {
    kSources.make({"a", file, nullptr, upstreams(), nullptr, false, true});
  });
  CHECK_THAT(error, Contains("password_file"));
  CHECK_THAT(error, !Contains("secret"));
}

TEST_CASE("the tables of a query") {
  const auto of = [](std::string_view query) {
    std::string text;
    for (const auto& table : tables_of(query, Dialect::postgresql)) text += table + " ";
    return text;
  };
  CHECK(of("SELECT * FROM orders") == "orders ");
  CHECK(of("SELECT * FROM a.orders AS o, lines l, generate_series(1, 2) g WHERE x") ==
        "a.orders lines ");
  CHECK(of("SELECT extract(epoch FROM t) FROM o LEFT JOIN \"U\" ON a IS DISTINCT FROM b") ==
        "\"U\" o ");
  CHECK(of("WITH x AS (SELECT 1 FROM o), y(a) AS (SELECT 2 FROM x) SELECT * FROM x JOIN y ON 1") ==
        "o ");
  CHECK(of("SELECT * FROM (SELECT 1 FROM inner_one) z") == "inner_one ");
  CHECK(of("SELECT 'FROM secret' -- FROM comment") == "");
}
