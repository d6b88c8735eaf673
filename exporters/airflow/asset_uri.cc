#include "exporters/airflow/asset_uri.h"

#include <algorithm>
#include <array>
#include <vector>

#include "common/base/text.h"

namespace exporter::airflow {
namespace {

/// Databases with three-part table names, as the providers of Airflow, OpenLineage and Cosmos write
/// their schemes.
constexpr std::array<std::string_view, 13> kWithHost = {
    "postgres", "postgresql", "redshift",  "snowflake",    "mssql",  "sqlserver", "trino",
    "presto",   "databricks", "awsathena", "unitycatalog", "athena", "vertica"};
/// The project is the first part of the name, and is in place of a host.
constexpr std::string_view kWithoutHost = "bigquery";

bool equals_any(std::string_view scheme) {
  return std::ranges::any_of(
      kWithHost, [&](std::string_view each) { return equal_ignoring_case(each, scheme); });
}

/// The path, without query and fragment; empty for another scheme.
std::string_view path_of(std::string_view uri) {
  uri = uri.substr(0, uri.find_first_of("?#"));
  const auto end = uri.find_first_of(":/");
  if (end == uri.npos) return {};
  const auto scheme = uri.substr(0, end);
  auto rest = uri.substr(end);
  if (equal_ignoring_case(scheme, kWithoutHost)) {
    return rest.substr(std::min(rest.find_first_not_of(":/"), rest.size()));
  }
  constexpr std::string_view kBeforeHost = "://";
  if (!equals_any(scheme) || !rest.starts_with(kBeforeHost)) return {};
  rest.remove_prefix(kBeforeHost.size());
  next_part(rest, '/');
  return rest;
}

/// The text with %XX decoded, without SQL quotes, in lower case; nothing if it is not a name.
std::string name_of(std::string_view text) {
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const auto code = parse_number<unsigned char>(text.substr(at + 1, 2), 16);
      if (!code || at + 2 >= text.size()) return {};
      c = static_cast<char>(*code);
      at += 2;
    }
    name += c;
  }
  name = to_lower(name);
  constexpr std::string_view kQuotes = "\"`";
  const bool is_quoted =
      name.size() > 2 && name.front() == name.back() && kQuotes.find(name.front()) != kQuotes.npos;
  if (is_quoted) name = name.substr(1, name.size() - 2);
  return valid_utf8(name) ? name : std::string();
}

}  // namespace

std::string dataset_of(std::string_view uri) {
  auto path = path_of(uri);
  while (path.ends_with('/')) path.remove_suffix(1);
  const char separator = path.find('/') == path.npos ? '.' : '/';
  std::size_t parts = 0;
  std::string dataset;
  while (!path.empty()) {
    const auto name = name_of(next_part(path, separator));
    if (name.empty() || ++parts > 3) return {};
    dataset += (parts == 1 ? "" : ".") + name;
  }
  return parts == 3 ? dataset : std::string();
}

}  // namespace exporter::airflow
