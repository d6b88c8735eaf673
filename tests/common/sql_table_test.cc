#include <catch2/catch.hpp>

#include "common/sql/table.h"

using namespace exporter::sql;

TEST_CASE("cells of a table, NULL and empty apart") {
  Table table({"a", "b"});
  CHECK(table.rows() == 0);
  for (const std::string_view text : {"one", "", "three"}) {
    table.append(text.substr(0, 1));
    table.append(text.empty() ? "" : text.substr(1));
    table.end_cell(false);
  }
  table.end_cell(true);
  table.end_cell(true);
  table.append("six");
  table.end_cell(false);
  REQUIRE(table.rows() == 3);
  CHECK(table.bytes() == 11);
  CHECK(table.at(0, 0) == "one");
  CHECK(table.at(0, 1) == "");
  CHECK(table.at(1, 0) == "three");
  CHECK_FALSE(table.at(1, 1));
  CHECK_FALSE(table.at(2, 0));
  CHECK(table.at(2, 1) == "six");
}

TEST_CASE("columns are found by name, in another case where that is certain") {
  const Table table({"Value", "id", "ID", "other"});
  CHECK(table.column("Value") == 0u);
  CHECK(table.column("VALUE") == 0u);
  CHECK(table.column("id") == 1u);
  CHECK(table.column("ID") == 2u);
  CHECK_FALSE(table.column("Id"));
  CHECK_FALSE(table.column("missing"));
  CHECK(table.column("OTHER") == 3u);
}

TEST_CASE("a table without columns has no rows") { CHECK(Table({}).rows() == 0); }
