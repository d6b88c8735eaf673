#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/sql/dialect.h"

namespace exporter::sql {

/// The text up to its last word: without semicolons, comments and blanks at the end.
std::string without_end(std::string_view query, Dialect dialect);

/// The same text for queries that differ only in blanks and comments.
std::string normalized(std::string_view query, Dialect dialect);

/// Whether the query may be in WITH name AS (...), judging by its first word.
bool is_subquery(std::string_view query, Dialect dialect);

/// A quoted column name.
std::string quoted_name(std::string_view name, Dialect dialect);

/// The query with its parameters renamed.
std::string with_parameters(std::string_view query, Dialect dialect,
                            const std::map<std::string, std::string>& names);

/// How the rows of a query become one row for each value; without values they stay as they are.
struct Unpivoting {
  std::vector<std::pair<std::string, std::string>> labels;  ///< columns, and their new names
  std::string value_label;          ///< the label for the name of a value's column; may be empty
  std::vector<std::string> values;  ///< columns
};
constexpr std::string_view kUnpivotedValue = "imported_value";

/// A query around `query`, for which is_subquery() must be true.
std::string unpivoted(std::string_view query, Dialect dialect, const Unpivoting& how);

/// The rows of all queries, for which is_subquery() must be true.
std::string united(const std::vector<std::string>& queries);

}  // namespace exporter::sql
