#pragma once

#include "common/ledger/ledger.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// A version of an artifact that was taken in.
struct Seen {
  std::string version;
  Metadata metadata;  ///< of which the schema's version and generated_at are kept
  std::uint64_t size = 0;
};
/// By location and kind.
using SeenByPlace = std::map<std::pair<std::string, Kind>, Seen>;

/// MetadataUse down, in a run of the project's ledger, what the results have changed in the
/// project.
void keep(Ledger::Run& run, const Project& project, const RunResults& results);
void keep(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// MetadataUse down what has changed of what is incomplete, by location.
void keep(Ledger::Run& run, const std::map<std::string, Incomplete>& before,
          const std::map<std::string, Incomplete>& after);
/// MetadataUse down that this version's results are taken in; and that a place is no more.
void keep(Ledger::Run& run, const SeenByPlace::value_type& seen);
void forget(Ledger::Run& run, const SeenByPlace::key_type& place);

/// Forgets what was known of nodes and sources that the manifest has no longer, if it is from
/// before that time.
void forget_gone(Ledger::Run& run, Project& project, Time before);

/// What was kept of the project; a note that cannot be read is logged and left out.
void recall(Ledger::Run& run, Project& project, SeenByPlace& seen);

}  // namespace exporter::dbt
