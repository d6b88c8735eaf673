// The label `dataset`: the table of a node, named as by the other exporters.

#include <catch2/catch.hpp>

#include "exporters/dbt/manifest.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string document(const std::string& members) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",)"
         R"( "generated_at": "2026-01-02T03:04:05Z"}, )" +
         members + "}";
}

std::string dataset(const std::string& text, const std::string& id) {
  return read_manifest({"manifest.json", [&](const auto& sink) { sink(text); }})
      .nodes.at(id)
      .dataset;
}

/// The label of a model with these members.
std::string of_model(const std::string& members) {
  return dataset(document(R"("nodes": {"model.shop.a": {)" + members + "}}"), "model.shop.a");
}

std::string of_relation(const std::string& relation) {
  return of_model(R"("database": "d", "schema": "s", "alias": "a", "relation_name": ")" + relation +
                  '"');
}

const std::string kParts = R"("database": "Shop", "schema": "Public", "name": "orders")";

}  // namespace

TEST_CASE("a relation is read in the quotes of each adapter") {
  CHECK(of_relation(R"(\"dbt\".\"shop_dev\".\"Orders\")") == "dbt.shop_dev.orders");
  CHECK(of_relation("`your-project`.`jaffle_shop`.`customers`") ==
        "your-project.jaffle_shop.customers");
  CHECK(of_relation("ANALYTICS.PUBLIC_x.stg_v2") == "analytics.public_x.stg_v2");
  CHECK(of_relation(R"(RAWDB.raw.\"ORDERS V3\")") == "rawdb.raw.orders v3");
  CHECK(of_relation("[shop].[dbo].[orders]") == "shop.dbo.orders");
  CHECK(of_relation("`default`.`orders`") == "default.orders");
}

TEST_CASE("what is no name of a table is no dataset") {
  for (const auto* relation :
       {"read_parquet('s3://lake/a.parquet')", "'lake/a.csv'", R"(\"a\".\"b)", "a..b", "a.b.",
        ".a.b", R"(\"\".\"b\")", R"(\"a\"b.c)", "a b", "orders", R"(\"a\"\"b\".\"c\")"}) {
    CAPTURE(relation);
    CHECK(of_relation(relation).empty());
  }
}

TEST_CASE("without a relation, a table has the name of its parts") {
  CHECK(of_model(kParts) == "shop.public.orders");
  CHECK(of_model(kParts + R"(, "alias": "ORDERS_V2")") == "shop.public.orders_v2");
  CHECK(of_model(kParts + R"(, "alias": "x", "relation_name": null)") == "shop.public.x");
  CHECK(of_model(R"("database": null, "schema": "s", "name": "a")") == "s.a");
  CHECK(of_model(R"("name": "a")").empty());
}

TEST_CASE("what has no table has no dataset") {
  CHECK(of_model(kParts + R"(, "config": {"materialized": "ephemeral"})").empty());
  const auto text = document(R"("nodes": {"operation.shop.a": {)" + kParts +
                             R"(}, "analysis.shop.a": {)" + kParts + "}}");
  CHECK(dataset(text, "operation.shop.a").empty());
  CHECK(dataset(text, "analysis.shop.a").empty());
}

TEST_CASE("a source is the table that it reads, whatever it is called in the project") {
  const auto of_source = [](const std::string& more) {
    return dataset(document(R"("sources": {"source.shop.app.orders": {)" + kParts +
                            R"(, "source_name": "app")" + more + "}}"),
                   "source.shop.app.orders");
  };
  CHECK(of_source("") == "shop.public.orders");
  CHECK(of_source(R"(, "identifier": "ORDERS_V3")") == "shop.public.orders_v3");
}

TEST_CASE("a test belongs to the table that it tests, not to that of its failures") {
  const std::string table = R"("relation_name": "a.b.c")", failures = R"("relation_name": "a.b.f")";
  const auto text = document(
      R"("nodes": {"model.shop.a": {)" + table + R"(}, "model.shop.b": {}, "test.shop.t": {)" +
      failures + R"(, "attached_node": "model.shop.a"}, "test.shop.two": {)" + failures +
      R"(, "depends_on": {"nodes": ["model.shop.a", "model.shop.b"]}}, "test.shop.gone": {)" +
      failures + R"(, "attached_node": "model.shop.gone"}})");
  CHECK(dataset(text, "test.shop.t") == "a.b.c");
  CHECK(dataset(text, "test.shop.two").empty());
  CHECK(dataset(text, "test.shop.gone").empty());
}
