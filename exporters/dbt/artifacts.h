#pragma once

#include "common/app/app.h"
#include "common/ledger/ledgers.h"

namespace exporter::dbt {

/// The collectors of the projects' artifacts, one for each project: what they declare, their flags,
/// and how they are made of the configuration. Throws Error{config}.
std::vector<MetricView> artifacts_metrics();
std::vector<Flag> artifacts_flags();
std::vector<Collector> make_artifacts(const App::Inputs& inputs, Ledgers& ledgers);

}  // namespace exporter::dbt
