#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/import_plan.h"

namespace exporter::sql {

/// A metric in our configuration.
struct PlannedMetric {
  std::string name, type, help;
  std::string value;  ///< a column, or a number
  std::vector<std::string> labels;
  ImportedLabels fixed_labels;
  std::vector<std::string> states;
};

/// A collector in our configuration.
struct PlannedCollector {
  std::string name;
  std::vector<std::string> sources;
  std::optional<std::chrono::milliseconds> every;  ///< nothing: at each scrape
  std::chrono::milliseconds timeout;
  std::string query;
  ImportedParameters parameters;
  std::vector<PlannedMetric> metrics;
};

/// Converts the plan's queries to collectors that our configuration accepts. Adds notes to the plan
/// on what is left out. Throws Error{config} if there are too many.
std::vector<PlannedCollector> plan_collectors(ImportPlan& plan);

}  // namespace exporter::sql
