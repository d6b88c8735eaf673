#include <catch2/catch.hpp>

#include "tests/exporters/sql/shop.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::sql;

namespace {

/// A collector "orders" of this query and of these metrics.
std::string orders(const std::string& query, const std::string& metrics) {
  return "collectors:\n  orders:\n    every: 1m\n    query: \"" + query + "\"\n    metrics:\n" +
         metrics;
}

std::string page_of(Shop& shop, const std::string& query, const std::string& metrics) {
  return Shop::page(shop.source(orders(query, metrics)), "orders");
}

}  // namespace

TEST_CASE("a row gives a sample of each metric, its labels from columns") {
  Shop shop;
  CHECK(page_of(shop,
                "SELECT 'de' AS country, 3 AS orders, 2.5 AS largest UNION ALL SELECT 'fr', 1, 7",
                "      - {name: open_orders, help: Open., value: orders, labels: [country]}\n"
                "      - {name: largest_eur, help: Largest., value: largest, labels: [country], "
                "static_labels: {team: sales}}\n") ==
        "open_orders{source=\"shop\",country=\"de\"} 3\n"
        "open_orders{source=\"shop\",country=\"fr\"} 1\n"
        "largest_eur{source=\"shop\",country=\"de\",team=\"sales\"} 2.5\n"
        "largest_eur{source=\"shop\",country=\"fr\",team=\"sales\"} 7\n");
}

TEST_CASE("NULL is no sample, and an empty label") {
  Shop shop;
  CHECK(page_of(shop, "SELECT NULL AS country, 3 AS n UNION ALL SELECT 'fr', NULL",
                "      - {name: orders, help: Orders., value: n, labels: [country]}\n") ==
        "orders{source=\"shop\",country=\"\"} 3\n");
}

TEST_CASE("columns are found whatever the case of their letters") {
  Shop shop;
  const std::string metrics =
      "      - {name: orders, help: Orders., value: N, labels: [COUNTRY]}\n";
  CHECK(page_of(shop, "SELECT 'fr' AS Country, 3 AS n", metrics) ==
        "orders{source=\"shop\",COUNTRY=\"fr\"} 3\n");
  CHECK(error_of(Reason::query, [&] { page_of(shop, "SELECT 'fr' AS land, 3 AS n", metrics); }) ==
        "orders: the query returns no column COUNTRY, but land, n");
}

TEST_CASE("a row that is no number is left out, and the others stay") {
  Shop shop;
  const auto source = shop.source(
      orders("SELECT 'de' AS country, '3' AS n UNION ALL SELECT 'fr', 'grüße' UNION ALL "
             "SELECT 'nl', '2026-01-02 03:04:05'",
             "      - {name: orders, help: Orders., value: n, labels: [country]}\n"));
  Samples samples;
  Shop::collector(source, "orders").collect(samples, Deadline::in(std::chrono::seconds(60)));
  CHECK(samples.size() == 1);
  CHECK(samples.first_malformed_row() == "orders: n: expected a number, found 'grüße'");
}

TEST_CASE("when no row can be read, the run fails") {
  Shop shop;
  CHECK(error_of(Reason::decode, [&] {
          page_of(shop, "SELECT 'three' AS n", "      - {name: orders, help: Orders., value: n}\n");
        }) == "orders: n: expected a number, found 'three'");
}

TEST_CASE("a metric that cannot be read does not cost the others of its query") {
  Shop shop;
  const auto failure = [&](const std::string& column) {
    const auto source = shop.source(orders("SELECT 3 AS n, 'many' AS m",
                                           "      - {name: n, help: N., value: n}\n"
                                           "      - {name: m, help: M., value: " +
                                               column + "}\n"));
    Samples samples;
    Shop::collector(source, "orders").collect(samples, Deadline::in(std::chrono::seconds(60)));
    CHECK(samples.size() == 1);
    REQUIRE(samples.failure());
    return std::string(samples.failure()->what());
  };
  CHECK(failure("m") == "m: m: expected a number, found 'many'");
  CHECK(failure("k") == "m: the query returns no column k, but n, m");

  INFO("a NULL is no value that could replace those of the last run");
  const auto source = shop.source(orders("SELECT NULL AS n, 'many' AS m",
                                         "      - {name: n, help: N., value: n}\n"
                                         "      - {name: m, help: M., value: m}\n"));
  Samples samples;
  CHECK_THROWS_AS(
      Shop::collector(source, "orders").collect(samples, Deadline::in(std::chrono::seconds(60))),
      Error);
}

TEST_CASE("a state gives a sample for each that there is") {
  Shop shop;
  const std::string metrics =
      "      - {name: order_state, type: enum, help: State., value: s, labels: [id], "
      "states: [open, paid]}\n";
  CHECK(page_of(shop, "SELECT 1 AS id, 'paid' AS s UNION ALL SELECT 2, NULL", metrics) ==
        "order_state{source=\"shop\",id=\"1\",state=\"open\"} 0\n"
        "order_state{source=\"shop\",id=\"1\",state=\"paid\"} 1\n");
  CHECK(error_of(Reason::decode, [&] { page_of(shop, "SELECT 1 AS id, 'lost' AS s", metrics); }) ==
        "order_state: s: expected one of the states, found 'lost'");
}

TEST_CASE("a histogram of counts up to each bound") {
  Shop shop;
  const std::string metrics =
      "      - {name: order_age_seconds, type: histogram, help: Age., buckets: {60: m, 3600: h}, "
      "count: n, sum: s}\n";
  CHECK(page_of(shop, "SELECT 2 AS m, 5 AS h, 6 AS n, 9000.5 AS s", metrics) ==
        "order_age_seconds_bucket{source=\"shop\",le=\"60.0\"} 2\n"
        "order_age_seconds_bucket{source=\"shop\",le=\"3600.0\"} 5\n"
        "order_age_seconds_bucket{source=\"shop\",le=\"+Inf\"} 6\n"
        "order_age_seconds_sum{source=\"shop\"} 9000.5\n"
        "order_age_seconds_count{source=\"shop\"} 6\n");
  CHECK(error_of(Reason::decode, [&] {
          page_of(shop, "SELECT 5 AS m, 2 AS h, 6 AS n, 1 AS s", metrics);
        }) == "order_age_seconds: the counts of the buckets are not cumulative");
  CHECK(error_of(Reason::decode, [&] {
          page_of(shop, "SELECT 0.5 AS m, 2 AS h, 6 AS n, 1 AS s", metrics);
        }) == "order_age_seconds: m: expected a count");
}

TEST_CASE("parameters are typed as YAML writes them, and :now is the time") {
  Shop shop;
  const auto source = shop.source(
      "collectors:\n  orders:\n    every: 1m\n"
      "    query: \"SELECT :limit + 1 AS n, typeof(:zip) AS kind, :id AS id, :now AS now\"\n"
      "    parameters: {limit: 4, zip: \"0815\", id: 1234567890123456789}\n"
      "    metrics:\n      - {name: n, help: N., value: n, labels: [kind, id, now]}\n");
  source->clock = [] { return Time(std::chrono::sys_days(std::chrono::year(2026) / 3 / 30)); };
  CHECK(Shop::page(source, "orders") ==
        "n{source=\"shop\",kind=\"text\",id=\"1234567890123456789\",now=\"2026-03-30 00:00:00\"} "
        "5\n");
}

TEST_CASE("too many rows fail the run") {
  Shop shop;
  const auto source = shop.source(
      "collectors:\n  orders:\n    on_scrape: true\n    max_rows: 2\n"
      "    query: SELECT 1 AS n UNION SELECT 2 UNION SELECT 3\n"
      "    metrics: [{name: n, help: N., value: 1, labels: [n]}]\n");
  CHECK(error_of(Reason::query, [&] { Shop::page(source, "orders"); }) == "more than 2 rows");
}
