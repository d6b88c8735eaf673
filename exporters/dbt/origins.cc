#include <algorithm>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kProject = info(
    "dbt_project_info",
    "The configured labels of the project (`labels`), to be joined on project. Absent without any.",
    "project");
constexpr auto kOrigin =
    info("dbt_node_last_run_origin_info",
         "What last ran the node, or measured the source: the DAG and the task according to dbt's "
         "environment, the warehouse, and other configured labels (`env_labels`). To be joined on "
         "project and unique_id; absent if none is known.",
         "project", "unique_id", "dag_id", "task_id", "warehouse");
constexpr MetricView kMetrics[] = {kProject, kOrigin};

using Texts = std::vector<std::string_view>;

void add_labels(Samples& samples, const MetricView& metric, const Texts& names,
                const Texts& values) {
  samples.add({metric.type, metric.name, metric.help, names}, 1, values);
}

/// The declared labels, and then the other configured ones.
Texts origin_labels(const ProjectLabels& labels) {
  Texts names(kOrigin.labels.begin(), kOrigin.labels.end());
  for (const auto& [name, variables] : labels.env_labels) {
    if (std::ranges::find(kOrigin.labels, name) == kOrigin.labels.end()) names.push_back(name);
  }
  return names;
}

/// What ran a node last; null for nodes that have not run.
const Labels* origin_of(const Project& project, const std::string& id) {
  if (const auto node = project.nodes.find(id); node != project.nodes.end()) {
    return node->second.run_at ? &node->second.run_origin : nullptr;
  }
  const auto source = project.freshness.find(id);
  return source == project.freshness.end() ? nullptr : &source->second.origin;
}

void add_origins(Samples& samples, const Project& project, std::span<const std::string> shown) {
  const auto& labels = project.labels;
  Texts names = {"project"}, values = {project.name};
  for (const auto& [name, value] : labels.fixed) {
    names.push_back(name);
    values.push_back(value);
  }
  if (!labels.fixed.empty()) add_labels(samples, kProject, names, values);

  names = origin_labels(labels);
  for (const auto& id : shown) {
    const auto* origin = origin_of(project, id);
    if (origin == nullptr) continue;
    const auto* node = project.find_node(id);
    values = {project.name, id};
    for (const auto& name : std::span(names).subspan(values.size())) {
      const bool is_own = name == "warehouse" && node != nullptr && !node->warehouse.empty();
      values.push_back(is_own ? node->warehouse : labels.value(*origin, name));
    }
    const auto is_known = [](std::string_view value) { return !value.empty(); };
    if (std::ranges::any_of(std::span(values).subspan(2), is_known)) {
      add_labels(samples, kOrigin, names, values);
    }
  }
}

}  // namespace

constinit const Part kOrigins{kMetrics, add_origins};

}  // namespace exporter::dbt
