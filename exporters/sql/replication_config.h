#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/reconcile_config.h"

namespace exporter::sql {

/// A table and its time column.
struct TimedTable {
  std::string name, time;
};

/// A replica of a source, and the table for measuring its lag.
struct ReplicationConfig {
  std::string replica;
  std::shared_ptr<Database> database;  ///< the replica's
  TimedTable table;
  std::optional<TimedTable> heartbeat;  ///< a row that something updates every few seconds
  std::chrono::milliseconds max_lag, every, timeout;
  bool asks_status = false;  ///< true for the first entry of a replica
  Concern concern;
};

/// Reads the entries of `replication` whose primary is this source. Throws Error{config}.
std::vector<ReplicationConfig> read_replication(const Yaml& file, const std::string& source,
                                                const std::vector<std::string>& sources,
                                                const OpenDatabase& open);

}  // namespace exporter::sql
