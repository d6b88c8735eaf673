#pragma once

#include "common/app/module.h"
#include "exporters/dbt/projects.h"

namespace exporter::dbt {

using Module = exporter::Module<ProjectSource>;

/// The collector of a project's artifacts.
const Module& artifacts();

}  // namespace exporter::dbt
