#include <set>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kFailing =
    gauge("dbt_exposure_failing_nodes",
          "Nodes upstream of the exposure, at any distance, that failed in their last run or have "
          "a test that did.",
          "project", "unique_id", "name", "owner");
constexpr MetricView kMetrics[] = {kFailing};

bool fails(const Project& project, const std::string& id) {
  const auto history = project.nodes.find(id);
  return history != project.nodes.end() && history->second.consecutive_failures > 0;
}

/// The nodes that fail, themselves or by a test of theirs.
std::set<std::string_view> failing_nodes(const Project& project) {
  std::set<std::string_view> found;
  for (const auto& [id, node] : project.manifest->nodes) {
    if (!fails(project, id)) continue;
    found.insert(id);
    if (!node.tested.empty()) found.insert(node.tested);
  }
  return found;
}

std::size_t count_upstream(const Manifest& manifest, const Node& exposure,
                           const std::set<std::string_view>& failing) {
  std::set<std::string_view> seen;
  std::vector<const Node*> open = {&exposure};
  std::size_t count = 0;
  while (!open.empty()) {
    const auto* node = open.back();
    open.pop_back();
    for (const auto& parent : node->parents) {
      if (!seen.insert(parent).second) continue;
      if (failing.contains(parent)) ++count;
      const auto found = manifest.nodes.find(parent);
      if (found != manifest.nodes.end()) open.push_back(&found->second);
    }
  }
  return count;
}

void add_exposures(Samples& samples, const Project& project, std::span<const std::string> shown) {
  if (!project.manifest) return;
  const auto failing = failing_nodes(project);
  for (const auto& id : shown) {
    if (resource_type_of(id) != "exposure") continue;
    const auto& exposure = project.manifest->nodes.at(id);
    const auto count = count_upstream(*project.manifest, exposure, failing);
    samples.add(kFailing, static_cast<double>(count), project.name, id, exposure.name,
                exposure.owner);
  }
}

}  // namespace

constinit const Part kExposures{kMetrics, add_exposures};

}  // namespace exporter::dbt
