#pragma once

#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// What is counted of each invocation, once however often its results are found.
std::span<const MetricView> counters();
/// Of the ledger that they are in.
std::vector<Migration> migrations();

/// Takes the results into the run.
void count(Ledger::Run& run, const Project& project, const RunResults& results);
void count(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// Adds the counters of a project, as far as they are of the nodes that are shown.
void add_counters(Samples& samples, const Ledger& ledger,
                  const std::set<std::string, std::less<>>& shown);

}  // namespace exporter::dbt
