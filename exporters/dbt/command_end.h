#pragma once

#include "common/base/deadline.h"
#include "exporters/dbt/catalog.h"
#include "exporters/dbt/freshness.h"
#include "exporters/dbt/lister.h"
#include "exporters/dbt/manifest.h"
#include "exporters/dbt/run_results.h"

namespace exporter::dbt {

/// Adds to results how the command that left them ended, by its log, which is waited for up to two
/// seconds after they were written. Throws Error when the deadline ends first.
void note_end(RunResults& results, const Found& found, const Deadline& deadline);
void note_end(FreshnessResults& results, const Found& found, const Deadline& deadline);
inline void note_end(const Manifest&, const Found&, const Deadline&) {}
inline void note_end(const Catalog&, const Found&, const Deadline&) {}

/// Whether something failed by the results that an artifact holds.
bool has_failures(const RunResults& results);
bool has_failures(const FreshnessResults& results);
inline bool has_failures(const Manifest&) { return false; }
inline bool has_failures(const Catalog&) { return false; }

}  // namespace exporter::dbt
