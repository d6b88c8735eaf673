#pragma once

#include <memory>

#include "exporters/sql/described.h"

namespace exporter::sql {

/// The collector "quality" of a source that has `quality`.
Described describe_quality(const std::shared_ptr<Source>& source);

}  // namespace exporter::sql
