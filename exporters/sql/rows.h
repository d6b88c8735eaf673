#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/metric/samples.h"
#include "common/sql/table.h"
#include "exporters/sql/metric_config.h"

namespace exporter::sql {

/// The column with this name. Throws Error{query} with the existing names.
std::size_t require_column(const Table& table, std::string_view name);

/// The values of a metric's labels in the rows of a table.
class RowLabels {
 public:
  /// Throws Error{query} for a column that does not exist. Keeps references to all arguments.
  RowLabels(const Table& table, const MetricConfig& metric, std::string_view source);

  /// The label values of a row, valid until the next call; NULL becomes the empty text. The label
  /// `state`, if the metric has it, is the last one and empty.
  std::vector<std::string_view>& of(std::size_t row);

 private:
  const Table& table_;
  std::vector<std::size_t> columns_;
  std::vector<std::string_view> values_;
};

/// Adds the samples of a metric. NULL gives no sample. A row that cannot be read is left out and
/// noted; if no row can be read, throws the first row's error. Throws Error{query} for a column
/// that does not exist.
void add_rows(Samples& samples, const Table& table, const MetricConfig& metric,
              std::string_view source);

}  // namespace exporter::sql
