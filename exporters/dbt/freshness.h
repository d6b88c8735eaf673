#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The freshness of one source, or of one model, as measured by dbt.
struct Freshness {
  std::string source;                 ///< unique_id
  std::string status;                 ///< "pass", "warn", "error", "runtime error"
  std::optional<Time> max_loaded_at;  ///< nothing if the table is empty or was not read
  std::optional<Time> snapshotted_at;
  bool is_empty = false;  ///< the table was read and has no rows
};

/// sources.json (schemas v1 to v3) of `dbt source freshness`, or freshness.json (v0) of dbt 2.0's
/// `dbt freshness`: the results of one invocation.
struct FreshnessResults {
  Kind kind = Kind::sources;
  Metadata metadata;
  Unread unread;
  double elapsed_seconds = 0;
  std::vector<Freshness> results;
  bool has_failed = false;  ///< the command, as in RunResults
};

/// The command that writes these results, which do not contain it.
std::string freshness_command(Kind kind);

/// Throws Error.
FreshnessResults read_freshness_results(const Artifact& artifact, Kind kind = Kind::sources,
                                        const EnvLabels& env_labels = {});

}  // namespace exporter::dbt
