#pragma once

#include "common/ledger/ledger.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// A version of an artifact that is in the project.
struct Seen {
  std::string version;
  Metadata metadata;  ///< of which the schema's version and generated_at are kept
  std::uint64_t size = 0;
  bool has_failures = false;  ///< of results: see Found::taken
};
using ArtifactKey = std::pair<std::string, Kind>;  ///< its location, and what it is
using SeenArtifacts = std::map<ArtifactKey, Seen>;

// What is known of a project is stored in its ledger, with its counters: each of these belongs to
// a run, and holds once that is committed.

/// Stores what the results have changed in the project.
void store_run_results(Ledger::Run& run, const Project& project, const RunResults& results);
void store_freshness(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// Stores that the results were taken in, and removes, from the project too, the oldest of more
/// than 5000.
void store_taken(Ledger::Run& run, Project& project, const Metadata& metadata, Kind kind);

/// Stores the difference between what was incomplete, by location, and what is.
void store_incomplete(Ledger::Run& run, const std::map<std::string, Incomplete>& before,
                      const std::map<std::string, Incomplete>& after);

/// Stores that this version's results are in the project; and that there are none any more.
void store_seen(Ledger::Run& run, const SeenArtifacts::value_type& seen);
void remove_seen(Ledger::Run& run, const ArtifactKey& key);

/// Removes, from the project too, the nodes and sources that its manifest no longer has and that
/// had their last result before that time.
void remove_gone(Ledger::Run& run, Project& project, Time before);

/// Adds what is stored to an empty project; an entry that cannot be read is logged and left out.
void load_stored(Ledger::Run& run, Project& project, SeenArtifacts& seen);

}  // namespace exporter::dbt
