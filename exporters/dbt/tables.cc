#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kRows = gauge(
    "dbt_table_rows", "Rows of the node's table, as the warehouse reported to `dbt docs generate`.",
    "project", "unique_id");
constexpr auto kBytes =
    gauge("dbt_table_bytes",
          "Size of the node's table, as the warehouse reported to `dbt docs generate`.", "project",
          "unique_id");
constexpr MetricView kMetrics[] = {kRows, kBytes};

void add_tables(Samples& samples, const Project& project, std::span<const std::string> shown) {
  if (!project.catalog) return;
  for (const auto& id : shown) {
    const auto table = project.catalog->tables.find(id);
    if (table == project.catalog->tables.end()) continue;
    const auto& [rows, bytes] = table->second;
    if (rows) samples.add(kRows, *rows, project.name, id);
    if (bytes) samples.add(kBytes, *bytes, project.name, id);
  }
}

}  // namespace

constinit const Part kCatalog{kMetrics, add_tables};

}  // namespace exporter::dbt
