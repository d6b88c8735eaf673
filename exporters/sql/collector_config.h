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

/// How events are read and told apart.
struct EventsConfig {
  std::vector<std::string> unit;  ///< the columns that name an event
  std::string when;               ///< the column of its time
  /// The column that `:since` is compared with, where that is not `when`: what vanishes from the
  /// table is not noticed then.
  std::string position;
  std::chrono::milliseconds overlap, late, past;
  std::chrono::milliseconds full_interval;  ///< between two readings of all that may be late
  bool has_until;                           ///< whether the statement reads up to `:until`
};

/// A collector as the configuration describes it, for one source.
struct CollectorConfig {
  std::string name;
  Schedule schedule;
  Clock::duration timeout;
  Statement statement;
  Parameters parameters;
  std::size_t max_rows;
  std::optional<EventsConfig> events;  ///< nothing where rows are what is so now
  MetricConfigs metrics;
};
using CollectorConfigs = std::vector<std::shared_ptr<const CollectorConfig>>;

/// Reads the collectors of this source out of a map of all: those that name it or no source. Throws
/// Error{config}; also when one names a source that is not among `sources`.
CollectorConfigs read_collectors(const Yaml& map, const std::string& source,
                                 const std::vector<std::string>& sources, Dialect dialect);

}  // namespace exporter::sql
