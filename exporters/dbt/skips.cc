#include <algorithm>
#include <set>

#include "exporters/dbt/project.h"

namespace exporter::dbt {
namespace {

using Ids = std::set<std::string_view>;

/// Whether dbt 2.0 does not build anything for the node.
bool has_nothing_to_do(const Node* node, const std::string& command) {
  if (node == nullptr) return false;
  if (node->resource_type == "function") return command == "run";
  return node->materialized == "ephemeral" || node->materialized == "inline";
}

/// The nodes that failed, and those of failed tests.
Ids failed_nodes(const Project& project, const RunResults& results) {
  Ids failed;
  for (const auto& result : results.results) {
    if (outcome_of(result.status) != Outcome::failure) continue;
    failed.insert(result.node);
    const auto* node = project.find_node(result.node);
    if (node != nullptr && is_test(node->resource_type)) {
      failed.insert(node->parents.begin(), node->parents.end());
    }
  }
  return failed;
}

}  // namespace

std::vector<const Result*> results_that_count(const Project& project, const RunResults& results) {
  std::vector<const Result*> counting, idle;
  auto in_the_way = failed_nodes(project, results);
  for (const auto& result : results.results) {
    const bool is_skipped = result.status == "skipped";
    const bool is_idle =
        is_skipped && has_nothing_to_do(project.find_node(result.node), results.command);
    (is_idle ? idle : counting).push_back(&result);
    if (is_skipped && !is_idle) in_the_way.insert(result.node);
  }
  const auto was_skipped = [&](const Result* result) {
    return std::ranges::any_of(project.find_node(result->node)->parents,
                               [&](const auto& parent) { return in_the_way.contains(parent); });
  };
  for (;;) {
    const auto skipped = std::ranges::find_if(idle, was_skipped);
    if (skipped == idle.end()) return counting;
    in_the_way.insert((*skipped)->node);
    counting.push_back(*skipped);
    idle.erase(skipped);
  }
}

}  // namespace exporter::dbt
