#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The names of the tables that a query reads, as it writes them: what follows FROM, JOIN and the
/// commas behind FROM, but for subqueries, functions and what WITH defines.
std::set<std::string> tables_of(std::string_view query, Dialect dialect);

/// What a user must be granted, besides tables, who asks the server how it is: "pg_monitor",
/// "REPLICA MONITOR".
std::set<std::string> privileges_of(std::string_view query, Dialect dialect);

/// The query with a question mark for each literal: that of two runs is the same.
std::string shape_of(std::string_view query, Dialect dialect);

}  // namespace exporter::sql
