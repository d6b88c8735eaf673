#pragma once

#include <string>

#include "exporters/snowflake/dbt_results.h"

namespace exporter::snowflake {

/// What the statement of `attribution` has in the place of {owners}: whose each statement is by its
/// comment and its tag, and of what neither names a node of, by dbt's results.
std::string owners_by(const DbtResults& results);

}  // namespace exporter::snowflake
