#include "exporters/snowflake/warehouse_size.h"

#include <catch2/catch.hpp>

using namespace exporter::snowflake;

namespace {

std::optional<double> price(std::string_view size, std::string_view type = "STANDARD",
                            std::string_view constraint = "") {
  return credits_per_hour(WarehouseSize{size, type, constraint});
}

}  // namespace

TEST_CASE("a warehouse costs by its size") {
  CHECK(price("X-Small") == 1);
  CHECK(price("Small") == 2);
  CHECK(price("Medium") == 4);
  CHECK(price("Large") == 8);
  CHECK(price("X-Large") == 16);
  CHECK(price("2X-Large") == 32);
  CHECK(price("XXLARGE") == 32);
  CHECK(price("3X-Large") == 64);
  CHECK(price("XXXLARGE") == 64);
  CHECK(price("4X-Large") == 128);
  CHECK(price("5X-Large") == 256);
  CHECK(price("6X-Large") == 512);
}

TEST_CASE("a warehouse costs more by its type and generation") {
  CHECK(price("Medium", "SNOWPARK-OPTIMIZED") == 6);
  CHECK(price("Medium", "SNOWPARK-OPTIMIZED", "MEMORY_16X") == 6);
  CHECK(price("X-Small", "STANDARD", "STANDARD_GEN_1") == 1);
  CHECK(price("X-Small", "STANDARD", "STANDARD_GEN_2") == 1.35);
  CHECK(price("Small", "STANDARD", "2") == 2.7);
  CHECK(price("Small", "STANDARD", "1") == 2);
  CHECK(price("Small", "", "") == 2);
}

TEST_CASE("a price that is not known is none") {
  CHECK_FALSE(price(""));
  CHECK_FALSE(price("7X-Large"));
  CHECK_FALSE(price("Medium", "ADAPTIVE"));
  CHECK_FALSE(price("Medium", "SNOWPARK-OPTIMIZED", "MEMORY_64X"));
  CHECK_FALSE(price("Small", "STANDARD", "STANDARD_GEN_3"));
}
