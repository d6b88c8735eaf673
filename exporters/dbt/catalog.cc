#include "exporters/dbt/catalog.h"

namespace exporter::dbt {
namespace {

constexpr std::string_view kTable[] = {"stats"};
enum Record : std::size_t { kMetadata, kNodes, kSources };
constexpr JsonRecord kRecords[] = {
    {"metadata", kMetadataKeys}, {"nodes.*", kTable}, {"sources.*", kTable}};

/// The first of several adapters' names for a number.
std::optional<double> stat(const Json& stats, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    const auto found = stats.find(name);
    if (!found) continue;
    const auto value = found->find("value");
    if (value && (value->is_number() || value->is_string())) return count_at(*found, "value");
  }
  return std::nullopt;
}

}  // namespace

Catalog read_catalog(const Artifact& artifact) {
  Catalog found;
  const auto take = [&](std::size_t record, const std::string& name, const Json& value) {
    if (record == kMetadata) {
      found.metadata = read_metadata(value, Kind::catalog);
      return;
    }
    TableStats table;
    if (const auto stats = value.find("stats")) {
      table.rows = stat(*stats, {"row_count", "num_rows"});
      table.bytes = stat(*stats, {"bytes", "num_bytes"});
    }
    found.tables[name] = table;
  };
  found.unread = read_records(artifact, kRecords, take);
  return found;
}

}  // namespace exporter::dbt
