#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/import_plan.h"

namespace exporter::sql {

/// A metric as ours describes it.
struct PlannedMetric {
  std::string name, type, help;
  std::string value;  ///< a column, or a number
  std::vector<std::string> labels;
  ImportedLabels fixed_labels;
  std::vector<std::string> states;
};

/// A collector as ours describes it.
struct PlannedCollector {
  std::string name;
  std::vector<std::string> sources;
  std::optional<std::chrono::milliseconds> every;  ///< nothing for each scrape
  std::chrono::milliseconds timeout;
  std::string query;
  ImportedParameters parameters;
  std::vector<PlannedMetric> metrics;
};

/// What the plan's queries become: collectors that the configuration accepts. Notes in the plan
/// what is left out. Throws Error{config} when they are too many.
std::vector<PlannedCollector> plan_collectors(ImportPlan& plan);

}  // namespace exporter::sql
