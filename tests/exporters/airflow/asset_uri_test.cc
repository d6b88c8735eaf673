#include "exporters/airflow/asset_uri.h"

#include <catch2/catch.hpp>

using exporter::airflow::dataset_of;

TEST_CASE("the URI of an asset names a table as all exporters do, or none") {
  const auto [uri, dataset] = GENERATE(table<const char*, const char*>({
      {"postgres://host/Shop/public/Orders", "shop.public.orders"},
      {"postgres://host:5432/shop/public/orders/", "shop.public.orders"},
      {"postgresql://user@host/shop/public/orders?sslmode=x#y", "shop.public.orders"},
      {"postgres://host:5432/shop.public.orders", "shop.public.orders"},
      {"postgres:///shop/public/orders", "shop.public.orders"},
      {"snowflake://org-account/SHOP/PUBLIC/ORDERS", "shop.public.orders"},
      {"snowflake://account/SHOP.PUBLIC.ORDERS", "shop.public.orders"},
      {"Redshift://cluster/dev/public/t", "dev.public.t"},
      {"trino://host:8080/hive/sales/orders", "hive.sales.orders"},
      {"mssql://host/shop/dbo/orders", "shop.dbo.orders"},
      {"bigquery://project-1/data/orders", "project-1.data.orders"},
      {"bigquery:project-1.data.orders", "project-1.data.orders"},
      {"bigquery/project-1/data/orders", "project-1.data.orders"},
      {"snowflake://a/db/schema/%22Two%20Words%22", "db.schema.two words"},
      {"postgres://host/db/schema/%C3%BCnits", "db.schema.\u00fcnits"},
      {"postgres://host/db/schema/ünits", "db.schema.ünits"},

      {"postgres://host/db/table", ""},
      {"postgres://host/db/schema/table/column", ""},
      {"postgres://host/db//table", ""},
      {"postgres://host/db/schema/%", ""},
      {"postgres://host/db/schema/%zz", ""},
      {"postgres://host/db/schema/%ff", ""},
      {"postgres://host", ""},
      {"postgres:", ""},
      {"bigquery", ""},
      {"bigquery:", ""},
      {"s3://bucket/a/b/c.parquet", ""},
      {"gs://bucket/a/b/c", ""},
      {"file:///a/b/c", ""},
      {"https://host/a/b/c", ""},
      {"demo://warehouse/orders", ""},
      {"a/b/c", ""},
      {"orders", ""},
      {"", ""},
  }));
  CAPTURE(uri);
  CHECK(dataset_of(uri) == dataset);
}
