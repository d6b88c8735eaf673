#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/metric/samples.h"
#include "common/sql/database.h"

namespace exporter::sql {

/// How a replica is, by its own account.
enum class ReplicaState : std::uint8_t {
  replicating,
  cut_off,        ///< it is not connected with its primary
  stopped,        ///< what it has received is not applied
  not_a_replica,  ///< of anything
};

/// One stream of changes that a replica reads: most have one, without a name.
struct ReplicaChannel {
  std::string name;  ///< a MariaDB connection, a MySQL channel, a PostgreSQL subscription
  ReplicaState state;
  std::optional<double> lag_seconds;  ///< as it says
  std::optional<double> errors;       ///< while applying, since the statistics were reset
};

/// What the replica says of itself: nothing where its kind of database says nothing. Throws Error.
std::vector<ReplicaChannel> read_replica(Database& replica, const Deadline& deadline);

/// The statements that read_replica() and add_primary() may run.
std::vector<std::string> replica_statements(Dialect dialect);
std::vector<std::string> primary_statements(Dialect dialect);

/// Adds what a primary says of those who read from it. Throws Error.
void add_primary(Samples& samples, const std::string& source, Database& primary,
                 const Deadline& deadline);
std::span<const MetricView> primary_metrics();

}  // namespace exporter::sql
