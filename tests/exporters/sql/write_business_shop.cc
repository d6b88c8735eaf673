#include <cstdio>
#include <string_view>

#include "tests/exporters/sql/business_shop.h"

/// Writes the tables of the shop as SQL: `business_shop postgresql | psql`.
int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const auto dialect = exporter::sql::dialect_of(argv[1]);
  const auto sql = BusinessShop().sql(dialect);
  return std::fwrite(sql.data(), 1, sql.size(), stdout) == sql.size() ? 0 : 1;
}
