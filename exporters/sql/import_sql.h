#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The text up to its last word: without semicolons, comments and blanks behind it.
std::string without_end(std::string_view query, Dialect dialect);

/// What two queries have in common that differ in blanks and comments alone.
std::string normalized(std::string_view query, Dialect dialect);

/// Whether the query can stand in WITH name AS (...), as far as its first word says.
bool is_subquery(std::string_view query, Dialect dialect);

/// A column's name in quotes.
std::string quoted_name(std::string_view name, Dialect dialect);

/// The query with the names of its parameters replaced.
std::string with_parameters(std::string_view query, Dialect dialect,
                            const std::map<std::string, std::string>& names);

/// How the rows of a query become one row for each value, or are left as they are without values.
struct Unpivoting {
  std::vector<std::pair<std::string, std::string>> labels;  ///< columns, and what they are called
  std::string value_label;          ///< a label that names the value's column; may be empty
  std::vector<std::string> values;  ///< columns
};
constexpr std::string_view kUnpivotedValue = "imported_value";

/// The query around `query`, which is_subquery().
std::string unpivoted(std::string_view query, Dialect dialect, const Unpivoting& how);

/// The rows of all queries, each of which is_subquery().
std::string united(const std::vector<std::string>& queries);

}  // namespace exporter::sql
