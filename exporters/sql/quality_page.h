#pragma once

#include <span>
#include <string_view>

#include "common/metric/samples.h"
#include "exporters/sql/quality_table.h"

namespace exporter::sql {

/// The metrics of the collector "quality".
std::span<const MetricView> quality_metrics();

/// When the columns of a table changed, and what they are.
struct SchemaState {
  double hash;
  std::optional<Time> changed;
  std::vector<std::string> missing;  ///< of those that are expected
};

/// Adds what is known of a table, and its limits.
void add_table(Samples& samples, std::string_view source, const QualityTable& table,
               const std::optional<SchemaState>& schema, Time now);

/// Adds by how much the server's clock is ahead.
void add_clock(Samples& samples, std::string_view source, std::chrono::microseconds difference);

}  // namespace exporter::sql
