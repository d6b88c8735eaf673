#pragma once

#include <set>
#include <string>
#include <string_view>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The names of the tables that a query reads, as written: after FROM, JOIN and the commas after
/// FROM, except subqueries, functions and the definitions in WITH.
std::set<std::string> tables_of(std::string_view query, Dialect dialect);

/// The privileges for querying the state of the server, besides tables: "pg_monitor", "REPLICA
/// MONITOR".
std::set<std::string> privileges_of(std::string_view query, Dialect dialect);

/// The query with a question mark for each literal: the same for all of its runs.
std::string shape_of(std::string_view query, Dialect dialect);

}  // namespace exporter::sql
