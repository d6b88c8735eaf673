#pragma once

#include "common/config/yaml.h"
#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// Reads `query_tag_keys` of an account, a list of names, for the group `query_tags`. Throws
/// Error{config}.
void insert_query_tag_keys(const Yaml& entry, Inserts& inserts);

}  // namespace exporter::snowflake
