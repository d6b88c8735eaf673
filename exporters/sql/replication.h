#pragma once

#include <memory>
#include <vector>

#include "common/collect/collector.h"
#include "exporters/sql/source.h"

namespace exporter::sql {

/// The collector "replication" of a source that is a primary in `replication`.
Collector make_replication(const std::shared_ptr<Source>& source);
/// Its metrics.
std::vector<MetricView> replication_metrics();

}  // namespace exporter::sql
