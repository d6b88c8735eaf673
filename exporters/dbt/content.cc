#include "exporters/dbt/content.h"

namespace exporter::dbt {

/// The environment in a manifest is ignored: after a partial parse, it is that of the last full
/// one.
Content read_content(const Found& found, const EnvLabels& env_labels) {
  switch (found.kind) {
    case Kind::manifest: return read_manifest(found.artifact);
    case Kind::catalog: return read_catalog(found.artifact);
    case Kind::sources:
    case Kind::freshness: return read_freshness_results(found.artifact, found.kind, env_labels);
    case Kind::run_results: break;
  }
  return read_run_results(found.artifact, env_labels);
}

}  // namespace exporter::dbt
