#include "exporters/dbt/project.h"

#include <algorithm>

namespace exporter::dbt {
namespace {

constexpr std::pair<std::string_view, Outcome> kStatuses[] = {
    {"error", Outcome::failure},
    {"fail", Outcome::failure},
    {"no-op", Outcome::idle},
    {"partial success", Outcome::failure},
    {"pass", Outcome::success},
    {"reused", Outcome::idle},
    {"runtime error", Outcome::failure},
    {"skipped", Outcome::idle},
    {"success", Outcome::success},
    {"warn", Outcome::success},
};

/// A test that warns has found something; a model that warns was made all the same.
bool is_success(const Result& result) {
  const bool warns = result.status == "warn" && resource_type_of(result.node) == "test";
  return outcome_of(result.status) == Outcome::success && !warns;
}

void add_result(NodeHistory& node, const Result& result, Time at) {
  node.at = at;
  node.last = result;
  const auto outcome = outcome_of(result.status);
  if (outcome == Outcome::idle) return;
  node.run = result;
  node.run_at = at;
  if (is_success(result)) node.success_at = at;
  if (outcome == Outcome::success) node.consecutive_failures = 0;
  if (outcome == Outcome::failure) ++node.consecutive_failures;
}

void add_freshness(FreshnessHistory& source, const Freshness& result, const Metadata& metadata) {
  const auto loaded_before = source.last.max_loaded_at;
  source.last = result;
  source.at = metadata.generated_at;
  if (!result.max_loaded_at && !result.is_empty) source.last.max_loaded_at = loaded_before;
}

/// The invocation as an exit code tells of it: one failure fails it.
void add_invocation(Project& project, const std::string& command, Invocation invocation) {
  for (const auto& [kind, count] : invocation.results) {
    if (outcome_of(kind.second) == Outcome::failure) invocation.outcome = Outcome::failure;
  }
  auto& last = project.invocations[command];
  if (last.metadata.generated_at < invocation.metadata.generated_at) last = std::move(invocation);
}

}  // namespace

Outcome outcome_of(std::string_view status) {
  const auto* const found =
      std::ranges::find(kStatuses, status, [](auto& row) { return row.first; });
  return found == std::end(kStatuses) ? Outcome::unknown : found->second;
}

std::string_view resource_type_of(std::string_view unique_id) {
  return unique_id.substr(0, unique_id.find('.'));
}

bool is_placeholder(const Project& project, const Result& result) {
  if (result.status != "skipped" || !project.manifest) return false;
  const auto found = project.manifest->nodes.find(result.node);
  return found != project.manifest->nodes.end() && found->second.materialized == "ephemeral";
}

bool Project::has_results_of(const std::string& invocation_id) const {
  return std::ranges::any_of(invocations, [&](const auto& invocation) {
    return invocation.second.metadata.invocation_id == invocation_id;
  });
}

void apply_manifest(Project& project, Manifest manifest) {
  if (project.manifest &&
      project.manifest->metadata.generated_at >= manifest.metadata.generated_at) {
    return;
  }
  project.manifest = std::make_shared<const Manifest>(std::move(manifest));
}

void apply_catalog(Project& project, Catalog catalog) {
  if (project.catalog && project.catalog->metadata.generated_at >= catalog.metadata.generated_at) {
    return;
  }
  project.catalog = std::make_shared<const Catalog>(std::move(catalog));
}

void apply_run_results(Project& project, const RunResults& results) {
  Invocation invocation{results.metadata,
                        results.has_failed ? Outcome::failure : Outcome::success,
                        results.elapsed_seconds,
                        results.is_full_refresh,
                        {}};
  for (const auto& result : results.results) {
    if (is_placeholder(project, result)) continue;
    ++invocation.results[{std::string(resource_type_of(result.node)), result.status}];
    if (!results.are_real()) continue;
    const auto at = result.completed_at.value_or(results.metadata.generated_at);
    auto& node = project.nodes[result.node];
    if (node.at < at) add_result(node, result, at);
  }
  add_invocation(project, results.shown_command(), std::move(invocation));
}

void apply_freshness(Project& project, const FreshnessResults& results) {
  Invocation invocation{results.metadata,
                        results.has_failed ? Outcome::failure : Outcome::success,
                        results.elapsed_seconds,
                        {},
                        {}};
  for (const auto& result : results.results) {
    ++invocation.results[{"source", result.status}];
    auto& source = project.freshness[result.source];
    if (source.at < results.metadata.generated_at) add_freshness(source, result, results.metadata);
  }
  add_invocation(project, kFreshnessCommand, std::move(invocation));
  const auto at = results.metadata.generated_at;
  project.freshness_at = std::max(project.freshness_at.value_or(at), at);
}

}  // namespace exporter::dbt
