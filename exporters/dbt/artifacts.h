#pragma once

#include "common/app/app.h"
#include "common/ledger/ledgers.h"

namespace exporter::dbt {

/// The collector of all projects' artifacts: what it declares, its flags, and how it is made of
/// the configuration. Throws Error{config}.
std::vector<MetricView> artifacts_metrics();
std::vector<Flag> artifacts_flags();
Collector make_artifacts(const App::Inputs& inputs, Ledgers& ledgers);

}  // namespace exporter::dbt
