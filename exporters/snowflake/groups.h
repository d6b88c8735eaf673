#pragma once

#include "exporters/snowflake/usage.h"

namespace exporter::snowflake {

/// What needs a warehouse: each group is the collector of its name.
extern const Group kCostGroup, kQueriesGroup, kAttributionGroup;
inline constexpr const Group* kGroups[] = {&kCostGroup, &kQueriesGroup, &kAttributionGroup};

}  // namespace exporter::snowflake
