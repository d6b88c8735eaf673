#pragma once

#include <memory>

#include "common/collect/collector.h"
#include "exporters/sql/source.h"

namespace exporter::sql {

/// The collector "quality" of a source that has `quality`.
Collector make_quality(const std::shared_ptr<Source>& source);

}  // namespace exporter::sql
