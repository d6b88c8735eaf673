#include <set>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kFailing =
    gauge("dbt_exposure_failing_nodes",
          "Nodes upstream of the exposure, direct or indirect, that failed in their last run, have "
          "a test that did, or are stale by dbt's error threshold.",
          "project", "unique_id", "name", "owner");
constexpr MetricView kMetrics[] = {kFailing};

/// Finds the nodes that are stale or have failed, themselves or in one of their tests.
std::set<std::string> failing_nodes(const Project& project) {
  std::set<std::string> found;
  for (const auto& [id, history] : project.nodes) {
    if (history.consecutive_failures == 0) continue;
    found.insert(id);
    const auto* node = project.find_node(id);
    if (node == nullptr) continue;
    for (auto& tested : node->all_tested()) found.insert(std::move(tested));
  }
  for (const auto& [id, history] : project.freshness) {
    if (outcome_of(history.last.status) == Outcome::failure) found.insert(id);
  }
  return found;
}

std::size_t count_upstream(const Project& project, const Node& exposure,
                           const std::set<std::string>& failing) {
  std::set<std::string_view> seen;
  std::vector<const Node*> open = {&exposure};
  std::size_t count = 0;
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    for (const auto& parent : node->parents) {
      if (!seen.insert(parent).second) continue;
      if (failing.contains(parent)) ++count;
      if (const auto* found = project.find_node(parent)) open.push_back(found);
    }
  }
  return count;
}

void add_exposures(Samples& samples, const Project& project, std::span<const std::string> shown) {
  if (!project.manifest) return;
  const auto failing = failing_nodes(project);
  for (const auto& id : shown) {
    const auto* exposure = project.find_node(id);
    if (exposure == nullptr || exposure->resource_type != "exposure") continue;
    const auto count = count_upstream(project, *exposure, failing);
    samples.add(kFailing, static_cast<double>(count), project.name, id, exposure->name,
                exposure->owner);
  }
}

}  // namespace

constinit const Part kExposures{kMetrics, add_exposures};

}  // namespace exporter::dbt
