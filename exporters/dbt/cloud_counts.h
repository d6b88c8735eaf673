#pragma once

#include <span>
#include <string>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/dbt/cloud_api.h"

namespace exporter::dbt {

/// The counters of each job's runs, each run once no matter how often it is listed.
std::span<const MetricView> cloud_counters();

/// Records a finished run in the ledger.
void count(Ledger::Run& run, const std::string& project, const CloudRun& ended);

/// Adds the counters.
void add_cloud_counters(Samples& samples, const Ledger& ledger);

}  // namespace exporter::dbt
