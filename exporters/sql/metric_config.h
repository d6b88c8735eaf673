#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/yaml.h"
#include "common/metric/metric.h"

namespace exporter::sql {

/// A configured metric.
struct MetricConfig {
  enum class Kind : std::uint8_t { gauge, counter, untyped, histogram, states };

  Kind kind = Kind::gauge;
  std::string name, help;
  std::vector<std::string> label_columns;
  std::vector<std::pair<std::string, std::string>> fixed_labels;
  std::string value;               ///< a column; empty if there is a constant
  std::optional<double> constant;  ///< 1 for a counter of rows
  /// Of a histogram: its bounds, ascending, and, if each row has cumulative counts, the columns of
  /// these, of the total count and of the sum.
  std::vector<double> bounds;
  std::vector<std::string> bound_columns;
  std::string count_column, sum_column;
  std::vector<std::string> states;  ///< the possible values for Kind::states

  /// All labels in order: `source`, those of columns, the fixed ones, `state`. The texts belong to
  /// this object, which therefore cannot be copied.
  std::vector<std::string_view> labels;

  MetricConfig() = default;
  MetricConfig(const MetricConfig&) = delete;
  MetricConfig& operator=(const MetricConfig&) = delete;
  MetricView view() const;
};
using MetricConfigs = std::vector<std::unique_ptr<const MetricConfig>>;

/// Whether the rows of a query are current values, or events to be counted.
enum class RowsAre : std::uint8_t { now, events };

/// Reads a list of metrics. Throws Error{config} if names break the naming rules of Prometheus and
/// OpenMetrics 1.0, or if a key is invalid.
MetricConfigs read_metrics(const Yaml& list, RowsAre rows);

}  // namespace exporter::sql
