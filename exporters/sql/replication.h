#pragma once

#include <memory>
#include <vector>

#include "exporters/sql/described.h"

namespace exporter::sql {

/// The collector "replication" of a source that is a primary in `replication`.
Described describe_replication(const std::shared_ptr<Source>& source);
/// Its metrics.
std::vector<MetricView> replication_metrics();

}  // namespace exporter::sql
