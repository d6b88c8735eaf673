#pragma once

#include <span>
#include <string>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/dbt/cloud_api.h"

namespace exporter::dbt {

/// What is counted of each run of a job, once however often it is listed.
std::span<const MetricView> cloud_counters();

/// Takes a run that has ended into the ledger.
void count(Ledger::Run& run, const std::string& project, const CloudRun& ended);

/// Adds the counters of the ledger's project.
void add_cloud_counters(Samples& samples, const Ledger& ledger);

}  // namespace exporter::dbt
