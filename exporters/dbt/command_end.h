#pragma once

#include "common/base/deadline.h"
#include "exporters/dbt/catalog.h"
#include "exporters/dbt/freshness.h"
#include "exporters/dbt/lister.h"
#include "exporters/dbt/manifest.h"
#include "exporters/dbt/run_results.h"

namespace exporter::dbt {

/// Adds to results how their command ended, according to its log; waits for that up to two seconds
/// after they were written. Throws Error at the deadline.
void note_end(RunResults& results, const Found& found, const Deadline& deadline);
void note_end(FreshnessResults& results, const Found& found, const Deadline& deadline);
inline void note_end(const Manifest&, const Found&, const Deadline&) {}
inline void note_end(const Catalog&, const Found&, const Deadline&) {}

/// Whether the results in an artifact include a failure.
bool has_failures(const RunResults& results);
bool has_failures(const FreshnessResults& results);
inline bool has_failures(const Manifest&) { return false; }
inline bool has_failures(const Catalog&) { return false; }

}  // namespace exporter::dbt
