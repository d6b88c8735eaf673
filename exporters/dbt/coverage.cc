#include <set>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kNodeCount =
    gauge("dbt_project_nodes", "Nodes of the project.", "project", "resource_type");
constexpr auto kCovered =
    gauge("dbt_project_covered_nodes",
          "Nodes that have the property `by`: tests, description, owner, primary_key_test "
          "(models), contract (models), freshness (sources); a share of dbt_project_nodes.",
          "project", "resource_type", "by");
constexpr MetricView kMetrics[] = {kNodeCount, kCovered};

/// The project's tests of the nodes.
struct Tests {
  std::set<std::string, std::less<>> tested;
  std::set<std::string_view> keyed;

  explicit Tests(const Manifest& manifest) {
    std::set<std::pair<std::string_view, std::string_view>> unique, not_null;
    for (const auto& [id, node] : manifest.nodes) {
      for (const auto& each : node.all_tested()) tested.insert(each);
      if (node.tested.empty()) continue;
      if (node.test == "unique") unique.emplace(node.tested, node.column);
      if (node.test == "not_null") not_null.emplace(node.tested, node.column);
      if (node.test == "unique_combination_of_columns") keyed.insert(node.tested);
    }
    for (const auto& column : unique) {
      if (not_null.contains(column)) keyed.insert(column.first);
    }
  }
};

class Counts {
 public:
  void add(const Node& node, const Tests& tests) {
    ++nodes_[node.resource_type];
    const bool is_model = node.resource_type == "model", is_source = node.resource_type == "source";
    const bool is_table =
        is_model || is_source || node.resource_type == "seed" || node.resource_type == "snapshot";
    if (!is_table) return;
    cover(node, "tests", tests.tested.contains(node.unique_id));
    cover(node, "description", node.has_description);
    cover(node, "owner", !node.owner.empty());
    if (is_model) {
      cover(node, "primary_key_test", node.has_primary_key || tests.keyed.contains(node.unique_id));
      cover(node, "contract", node.has_contract);
    }
    if (is_source) cover(node, "freshness", node.freshness.has_value());
  }

  void add_to(Samples& samples, const std::string& project) const {
    for (const auto& [type, count] : nodes_) {
      samples.add(kNodeCount, static_cast<double>(count), project, type);
    }
    for (const auto& [key, count] : covered_) {
      samples.add(kCovered, static_cast<double>(count), project, key.first, key.second);
    }
  }

 private:
  void cover(const Node& node, std::string_view by, bool has) {
    covered_[{node.resource_type, by}] += has ? 1 : 0;
  }

  std::map<std::string_view, std::size_t> nodes_;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> covered_;
};

/// Covers the whole project, regardless of which nodes are shown.
void add_coverage(Samples& samples, const Project& project,
                  std::span<const std::string> /*shown*/) {
  if (!project.manifest) return;
  const Tests tests(*project.manifest);
  Counts counts;
  for (const auto& [id, node] : project.manifest->nodes) counts.add(node, tests);
  counts.add_to(samples, project.name);
}

}  // namespace

constinit const Part kCoverage{kMetrics, add_coverage};

}  // namespace exporter::dbt
