#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// What `dbt source freshness` found of one source.
struct Freshness {
  std::string source;                 ///< unique_id
  std::string status;                 ///< "pass", "warn", "error", "runtime error"
  std::optional<Time> max_loaded_at;  ///< nothing when the table is empty or was not read
  std::optional<Time> snapshotted_at;
  bool is_empty = false;  ///< the table was read and has no row
};

/// sources.json (schemas v1 to v3): the results of one invocation.
struct FreshnessResults {
  Metadata metadata;
  Unread unread;
  double elapsed_seconds = 0;
  std::vector<Freshness> results;
  bool has_failed = false;  ///< the command, by dbt's log
};

/// What sources.json does not say of itself: the command that wrote it.
inline const std::string kFreshnessCommand = "source freshness";

/// Throws Error.
FreshnessResults read_freshness_results(const Artifact& artifact);

}  // namespace exporter::dbt
