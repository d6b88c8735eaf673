#pragma once

#include "common/ledger/ledger.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// A version of an artifact that was applied to the project.
struct Seen {
  std::string version;
  Metadata metadata;  ///< only the schema's version and generated_at are kept
  std::uint64_t size = 0;
  bool has_failures = false;  ///< for results: see Found::taken
};
using ArtifactKey = std::pair<std::string, Kind>;  ///< its location and kind
using SeenArtifacts = std::map<ArtifactKey, Seen>;

// The state of a project is stored in its ledger, together with its counters: each of these
// functions belongs to a run, and takes effect when that is committed.

/// Stores what the results changed in the project.
void store_run_results(Ledger::Run& run, const Project& project, const RunResults& results);
void store_freshness(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// Stores that the results were applied, and removes the oldest if there are more than 5000, from
/// the project too.
void store_taken(Ledger::Run& run, Project& project, const Metadata& metadata, Kind kind);

/// Stores the difference between the incomplete invocations, by location, before and after.
void store_incomplete(Ledger::Run& run, const std::map<std::string, Incomplete>& before,
                      const std::map<std::string, Incomplete>& after);

/// Stores that the results of this version were applied, or that they were removed.
void store_seen(Ledger::Run& run, const SeenArtifacts::value_type& seen);
void remove_seen(Ledger::Run& run, const ArtifactKey& key);

/// Removes, from the project too, nodes and sources that are no longer in its manifest and whose
/// last result is older than that time.
void remove_gone(Ledger::Run& run, Project& project, Time before);

/// Loads the stored state into an empty project; an entry that cannot be read is logged and left
/// out.
void load_stored(Ledger::Run& run, Project& project, SeenArtifacts& seen);

}  // namespace exporter::dbt
