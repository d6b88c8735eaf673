#pragma once

#include <span>
#include <string_view>

#include "common/metric/samples.h"
#include "exporters/sql/quality_table.h"

namespace exporter::sql {

/// The metrics of the collector "quality".
std::span<const MetricView> quality_metrics();

/// The columns of a table, and when they changed.
struct SchemaState {
  double hash;
  std::optional<Time> changed;
  std::vector<std::string> missing;  ///< of the expected columns
};

/// Adds the values of a table, and its limits.
void add_table(Samples& samples, std::string_view source, const QualityTable& table,
               const std::optional<SchemaState>& schema, Time now);

/// Adds how far the server's clock is ahead.
void add_clock(Samples& samples, std::string_view source, std::chrono::microseconds difference);

}  // namespace exporter::sql
