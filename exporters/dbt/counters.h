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

/// The counters of invocations, each counted once no matter how often its results are found.
std::span<const MetricView> counters();
/// The migrations of their ledger.
std::vector<Migration> migrations();

/// Counts the results of an invocation in the run.
void count_run_results(Ledger::Run& run, const Project& project, const RunResults& results);
void count_freshness(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// Adds the counters of a project for the nodes that are shown.
void add_counters(Samples& samples, const Ledger& ledger,
                  const std::set<std::string, std::less<>>& shown);

}  // namespace exporter::dbt
