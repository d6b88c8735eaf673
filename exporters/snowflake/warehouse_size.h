#pragma once

#include <optional>
#include <string_view>

#include "exporters/snowflake/table.h"

namespace exporter::snowflake {

/// What decides the price of a warehouse's cluster, as SHOW WAREHOUSES has it.
struct WarehouseSize {
  std::string_view size;        ///< "X-Small"
  std::string_view type;        ///< "STANDARD", "SNOWPARK-OPTIMIZED"
  std::string_view constraint;  ///< resource_constraint, or the generation: "STANDARD_GEN_2", "2"
};

/// Credits that a running cluster takes an hour, by the Service Consumption Table of Snowflake's
/// documentation ("Overview of warehouses"): 1 for X-Small, twice as much for each size above. 1.5
/// times that for a Snowpark-optimized one with the memory that it has by default; 1.35 times for
/// one of the second generation, which is 1.25 on Azure. Nothing where the price is not known: an
/// adaptive warehouse, another memory.
std::optional<double> credits_per_hour(const WarehouseSize& of);

/// The same of a row of SHOW WAREHOUSES.
std::optional<double> credits_per_hour(const Row& row);

}  // namespace exporter::snowflake
