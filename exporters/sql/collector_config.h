#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/collect/collector.h"
#include "common/config/yaml.h"
#include "common/sql/statement.h"
#include "exporters/sql/metric_config.h"

namespace exporter::sql {

/// How events are read and identified.
struct EventsConfig {
  std::vector<std::string> unit;  ///< the columns that identify an event
  std::string when;               ///< the column of its time
  /// The column that is compared with `:since`, if that is not `when`: deleted rows are not noticed
  /// then.
  std::string position;
  std::chrono::milliseconds overlap, late, past;
  std::chrono::milliseconds full_interval;  ///< between full readings of what may be late
  bool has_until;                           ///< whether the statement reads up to `:until`
};

/// A configured collector for one source.
struct CollectorConfig {
  std::string name;
  Schedule schedule;
  Clock::duration timeout;
  Statement statement;
  Parameters parameters;
  std::size_t max_rows;
  std::optional<EventsConfig> events;  ///< nothing if rows are current values
  MetricConfigs metrics;
};
using CollectorConfigs = std::vector<std::shared_ptr<const CollectorConfig>>;

/// Reads the collectors of this source from a map of all: those that name it or no source. Throws
/// Error{config}, also if one names a source that is not in `sources`.
CollectorConfigs read_collectors(const Yaml& map, const std::string& source,
                                 const std::vector<std::string>& sources, Dialect dialect);

}  // namespace exporter::sql
