#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/reconcile_config.h"

namespace exporter::sql {

/// A table and the column of the time of a row.
struct TimedTable {
  std::string name, time;
};

/// A replica of a source, and the table by which its lag is measured.
struct ReplicationConfig {
  std::string replica;
  std::shared_ptr<Database> database;  ///< the replica's
  TimedTable table;
  std::optional<TimedTable> heartbeat;  ///< of rows that something updates every few seconds
  std::chrono::milliseconds max_lag, every, timeout;
  bool asks_status = false;  ///< the first one of its replica does
  Concern concern;
};

/// Reads those of `replication` whose primary is this source. Throws Error{config}.
std::vector<ReplicationConfig> read_replication(const Yaml& file, const std::string& source,
                                                const std::vector<std::string>& sources,
                                                const OpenDatabase& open);

}  // namespace exporter::sql
