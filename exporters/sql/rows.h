#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/metric/samples.h"
#include "common/sql/table.h"
#include "exporters/sql/metric_config.h"

namespace exporter::sql {

/// The column of this name. Throws Error{query} that names those that there are.
std::size_t require_column(const Table& table, std::string_view name);

/// The values of a metric's labels in the rows of a table.
class RowLabels {
 public:
  /// Throws Error{query} for a column that is not there. Borrows all.
  RowLabels(const Table& table, const MetricConfig& metric, std::string_view source);

  /// Those of a row, valid until the next call; NULL is the empty text. The label `state`, if the
  /// metric has it, is the last one and empty.
  std::vector<std::string_view>& of(std::size_t row);

 private:
  const Table& table_;
  std::vector<std::size_t> columns_;
  std::vector<std::string_view> values_;
};

/// Adds what the rows say of a metric. A NULL gives no sample; a row that cannot be read is left
/// out and noted, and when none can be, throws the first one's error. Throws Error{query} for a
/// column that is not there.
void add_rows(Samples& samples, const Table& table, const MetricConfig& metric,
              std::string_view source);

}  // namespace exporter::sql
