#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// What dbt found of the freshness of one source, or of one model.
struct Freshness {
  std::string source;                 ///< unique_id
  std::string status;                 ///< "pass", "warn", "error", "runtime error"
  std::optional<Time> max_loaded_at;  ///< nothing when the table is empty or was not read
  std::optional<Time> snapshotted_at;
  bool is_empty = false;  ///< the table was read and has no row
};

/// sources.json (schemas v1 to v3) of `dbt source freshness`, or freshness.json (v0) of dbt 2.0's
/// `dbt freshness`: the results of one invocation.
struct FreshnessResults {
  Kind kind = Kind::sources;
  Metadata metadata;
  Unread unread;
  double elapsed_seconds = 0;
  std::vector<Freshness> results;
  bool has_failed = false;  ///< the command, as of RunResults
};

/// What these do not say of themselves: the command that writes them.
std::string freshness_command(Kind kind);

/// Throws Error.
FreshnessResults read_freshness_results(const Artifact& artifact, Kind kind = Kind::sources,
                                        const EnvLabels& env_labels = {});

}  // namespace exporter::dbt
