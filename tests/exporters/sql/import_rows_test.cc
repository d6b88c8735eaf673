#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/exporters/sql/imported.h"
#include "tests/support/temporary_directory.h"

namespace {

void make_database(const std::string& file, const char* sql) {
  sqlite3* database = nullptr;
  const bool is_made = sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
                       sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(database);
  if (!is_made) throw std::runtime_error("sqlite: " + file);
}

/// The samples of `shop_*` on the page of the exporter with this configuration, sorted.
std::vector<std::string> samples_of(const std::string& config) {
  const TemporaryDirectory directory;
  const auto ran =
      run_exporter("--once --config.file='" + directory.write("ours.yml", config) + "'");
  CHECK(ran.exit_code == 0);
  std::vector<std::string> samples;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("shop_")) samples.push_back(line);
  }
  std::ranges::sort(samples);
  return samples;
}

constexpr const char* kTables = R"(
CREATE TABLE stock (instance TEXT, "Net Sum" REAL, "case" INTEGER, "t""x" REAL);
INSERT INTO stock VALUES ('a', 1.5, 2, NULL), ('it''s', 3, 4, 0.25);
CREATE TABLE orders (id INTEGER, country TEXT);
INSERT INTO orders VALUES (1, 'de'), (2, 'de'), (3, 'fr'), (4, 'us'), (5, 'us');
)";

}  // namespace

TEST_CASE("import: a metric of several columns keeps its series", "[sql][import]") {
  const TemporaryDirectory directory;
  const auto file = (directory.path() / "shop.db").string();
  make_database(file, kTables);
  const auto text = imported("target: {name: db, data_source_name: 'sqlite:" + file +
                             "', collectors: [stock]}\n" + R"(
collectors:
- collector_name: stock
  metrics:
  - metric_name: shop_stock
    type: gauge
    help: Several columns, and a label that Prometheus has.
    key_labels: [instance]
    value_label: kind
    values: [Net Sum, case, 't"x']
    query_ref: all
  - metric_name: shop_case
    type: gauge
    help: One of them.
    values: [case]
    value_label: kind
    static_labels: {country: de}
    query_ref: first
  - metric_name: shop_constant
    type: gauge
    help: A constant with a label that Prometheus has.
    key_labels: [instance]
    static_value: 7
    query_ref: all
  queries:
  - {query_name: all, query: "SELECT * FROM stock; -- all of it"}
  - {query_name: first, query: "SELECT * FROM stock LIMIT 1"}
)");
  CHECK(samples_of(text) ==
        std::vector<std::string>{
            R"(shop_case{source="db",kind="case",country="de",target="db"} 2)",
            R"(shop_constant{source="db",exported_instance="a",target="db"} 7)",
            R"(shop_constant{source="db",exported_instance="it's",target="db"} 7)",
            R"(shop_stock{source="db",exported_instance="a",kind="Net Sum",target="db"} 1.5)",
            R"(shop_stock{source="db",exported_instance="a",kind="case",target="db"} 2)",
            R"(shop_stock{source="db",exported_instance="it's",kind="Net Sum",target="db"} 3)",
            R"(shop_stock{source="db",exported_instance="it's",kind="case",target="db"} 4)",
            R"(shop_stock{source="db",exported_instance="it's",kind="t\"x",target="db"} 0.25)"});
}

TEST_CASE("import: a query with sets of parameters gives the rows of all", "[sql][import]") {
  const TemporaryDirectory directory;
  const auto file = (directory.path() / "shop.db").string();
  make_database(file, kTables);
  const auto text = imported("databases:\n  db: {dsn: 'sqlite:///" + file + "'}\n" + R"(
metrics:
  shop_orders: {type: gauge, labels: [country]}
  shop_above: {type: gauge, labels: [low, note]}
  shop_now: {type: gauge}
queries:
  orders:
    databases: [db]
    metrics: [shop_orders]
    sql: SELECT country, count(*) AS shop_orders FROM orders WHERE country = :country GROUP BY 1 LIMIT 1
    parameters: [{country: de}, {country: us}, {country: none}]
  above:
    databases: [db]
    metrics: [shop_above]
    sql: SELECT :id__low AS low, '\:text:' AS note, count(*) AS shop_above FROM orders
         WHERE id > :id__low AND country <> :other__name
    parameters:
      id: [{low: 1}, {low: 3}]
      other: [{name: fr}]
  now:
    databases: [db]
    metrics: [shop_now]
    sql: SELECT :now AS shop_now
    parameters: [{now: 5}]
)");
  CHECK(samples_of(text) ==
        std::vector<std::string>{R"(shop_above{source="db",low="1",note=":text:",database="db"} 3)",
                                 R"(shop_above{source="db",low="3",note=":text:",database="db"} 2)",
                                 R"(shop_now{source="db",database="db"} 5)",
                                 R"(shop_orders{source="db",country="de",database="db"} 2)",
                                 R"(shop_orders{source="db",country="us",database="db"} 2)"});
}
