#pragma once

#include <optional>
#include <string_view>

#include "exporters/snowflake/table.h"

namespace exporter::snowflake {

/// The properties that determine the price of a warehouse's cluster, from SHOW WAREHOUSES.
struct WarehouseSize {
  std::string_view size;        ///< "X-Small"
  std::string_view type;        ///< "STANDARD", "SNOWPARK-OPTIMIZED"
  std::string_view constraint;  ///< resource_constraint, or the generation: "STANDARD_GEN_2", "2"
};

/// The credits per hour of a running cluster, by the Service Consumption Table in Snowflake's
/// documentation ("Overview of warehouses"): 1 for X-Small, twice as much for each larger size.
/// Times 1.5 for a Snowpark-optimized one with default memory; times 1.35 for the second
/// generation, 1.25 on Azure. Nothing if the price is unknown: an adaptive warehouse, other memory.
std::optional<double> credits_per_hour(const WarehouseSize& of);

/// The same for a row of SHOW WAREHOUSES.
std::optional<double> credits_per_hour(const Row& row);

}  // namespace exporter::snowflake
