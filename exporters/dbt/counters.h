#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/dbt/project.h"

namespace exporter::dbt {

/// What is counted of each invocation, once however often its results are found.
std::span<const MetricView> counters();

/// Takes the results into the run.
void count(Ledger::Run& run, const Project& project, const RunResults& results);
void count(Ledger::Run& run, const Project& project, const FreshnessResults& results);

/// The nodes that are shown, by their projects.
using Shown = std::map<std::string, std::set<std::string, std::less<>>, std::less<>>;

/// Adds the counters of these projects and nodes.
void add_counters(Samples& samples, const Ledger& ledger, const Shown& shown);

}  // namespace exporter::dbt
