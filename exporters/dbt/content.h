#pragma once

#include <variant>

#include "exporters/dbt/catalog.h"
#include "exporters/dbt/freshness.h"
#include "exporters/dbt/lister.h"
#include "exporters/dbt/manifest.h"
#include "exporters/dbt/run_results.h"

namespace exporter::dbt {

using Content = std::variant<Manifest, Catalog, RunResults, FreshnessResults>;

/// Reads an artifact of any kind. Throws Error.
Content read_content(const Found& found, const EnvLabels& env_labels);

}  // namespace exporter::dbt
