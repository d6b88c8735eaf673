#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/metric/samples.h"
#include "common/sql/database.h"

namespace exporter::sql {

/// The state that a replica reports.
enum class ReplicaState : std::uint8_t {
  replicating,
  cut_off,        ///< not connected to its primary
  stopped,        ///< received changes are not applied
  not_a_replica,  ///< of anything
};

/// One replication stream of a replica: most have one, without a name.
struct ReplicaChannel {
  std::string name;  ///< a MariaDB connection, a MySQL channel, a PostgreSQL subscription
  ReplicaState state;
  std::optional<double> lag_seconds;  ///< as reported
  std::optional<double> errors;       ///< while applying, since the statistics were reset
};

/// The state that the replica reports; empty if its kind of database does not report it. Throws
/// Error.
std::vector<ReplicaChannel> read_replica(Database& replica, const Deadline& deadline);

/// The statements that read_replica() and add_primary() may run.
std::vector<std::string> replica_statements(Dialect dialect);
std::vector<std::string> primary_statements(Dialect dialect);

/// Adds what a primary reports about its replicas. Throws Error.
void add_primary(Samples& samples, const std::string& source, Database& primary,
                 const Deadline& deadline);
std::span<const MetricView> primary_metrics();

}  // namespace exporter::sql
