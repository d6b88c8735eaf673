#pragma once

#include <string>

#include "exporters/snowflake/dbt_results.h"

namespace exporter::snowflake {

/// The text for {owners} in the statement of `attribution`: the owner of each statement according
/// to its comment and its tag, or else to dbt's results.
std::string owners_by(const DbtResults& results);

}  // namespace exporter::snowflake
