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

/// A test with a warning has found something; a model with a warning was still built.
bool is_success(const Result& result) {
  const bool warns = result.status == "warn" && resource_type_of(result.node) == "test";
  return outcome_of(result.status) == Outcome::success && !warns;
}

void add_result(NodeHistory& node, const Result& result, Time at, const Metadata& metadata) {
  node.at = at;
  node.ordered_at = metadata.ordered_at;
  node.last = result;
  const auto outcome = outcome_of(result.status);
  if (outcome == Outcome::idle) return;
  node.run = result;
  node.run_at = at;
  node.run_origin = metadata.origin;
  if (is_success(result)) node.success_at = at;
  if (outcome == Outcome::success) node.consecutive_failures = 0;
  if (outcome == Outcome::failure) ++node.consecutive_failures;
}

void add_freshness(FreshnessHistory& source, const Freshness& result, const Metadata& metadata) {
  const auto before = source.last;
  source.last = result;
  source.at = metadata.ordered_at;
  source.origin = metadata.origin;
  if (!result.max_loaded_at && !result.is_empty) source.last.max_loaded_at = before.max_loaded_at;
  // A failed measurement did not measure anything.
  if (!result.snapshotted_at) source.last.snapshotted_at = before.snapshotted_at;
}

/// The outcome is that of dbt's exit code: one failure fails the invocation.
void add_invocation(Project& project, const std::string& command, Invocation invocation) {
  for (const auto& [kind, count] : invocation.results) {
    if (outcome_of(kind.second) == Outcome::failure) invocation.outcome = Outcome::failure;
  }
  auto& last = project.invocations[command];
  if (last.metadata.ordered_at <= invocation.metadata.ordered_at) last = std::move(invocation);
}

/// The position of results in the order of all.
struct Place {
  bool is_news;  ///< their invocation is new
  Time at;

  /// Whether they follow the known ones. For a known invocation, rows may have been left out
  /// before.
  bool is_after(Time known) const { return is_news ? known <= at : known < at; }
};

Place take(Project& project, const Metadata& metadata, Kind kind) {
  const auto [taken, is_new] =
      project.taken.emplace(TakenKey(id_of(metadata), kind), metadata.ordered_at);
  return {is_new, taken->second};
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

const Node* Project::find_node(const std::string& unique_id) const {
  if (!manifest) return nullptr;
  const auto found = manifest->nodes.find(unique_id);
  return found == manifest->nodes.end() ? nullptr : &found->second;
}

bool Project::has_results_of(const std::string& invocation_id) const {
  return std::ranges::any_of(kKinds, [&](Kind kind) {
    return kind != Kind::manifest && taken.contains({invocation_id, kind});
  });
}

bool measures_sources(const Invocation& invocation) {
  const auto is_source = [](const auto& kind) { return kind.first.first == "source"; };
  return invocation.results.empty() || std::ranges::any_of(invocation.results, is_source);
}

std::string id_of(const Metadata& metadata) {
  if (!metadata.invocation_id.empty()) return metadata.invocation_id;
  return std::to_string(metadata.generated_at.time_since_epoch().count());
}

void apply_manifest(Project& project, Manifest manifest) {
  if (project.manifest && project.manifest->metadata.ordered_at > manifest.metadata.ordered_at) {
    return;
  }
  project.manifest = std::make_shared<const Manifest>(std::move(manifest));
}

void apply_catalog(Project& project, Catalog catalog) {
  if (project.catalog && project.catalog->metadata.ordered_at > catalog.metadata.ordered_at) return;
  project.catalog = std::make_shared<const Catalog>(std::move(catalog));
}

bool apply_run_results(Project& project, const RunResults& results) {
  const auto place = take(project, results.metadata, results.kind());
  Invocation invocation{results.metadata,
                        results.has_failed ? Outcome::failure : Outcome::success,
                        results.elapsed_seconds,
                        results.is_full_refresh,
                        {}};
  invocation.metadata.ordered_at = place.at;
  for (const auto* result : results_that_count(project, results)) {
    ++invocation.results[{std::string(resource_type_of(result->node)), result->status}];
    if (!results.are_real()) continue;
    const auto at = result->completed_at.value_or(results.metadata.generated_at);
    auto& node = project.nodes[result->node];
    if (place.is_after(node.ordered_at)) add_result(node, *result, at, invocation.metadata);
  }
  add_invocation(project, results.shown_command(), std::move(invocation));
  return place.is_news;
}

bool apply_freshness(Project& project, const FreshnessResults& results) {
  const auto place = take(project, results.metadata, results.kind);
  Invocation invocation{results.metadata,
                        results.has_failed ? Outcome::failure : Outcome::success,
                        results.elapsed_seconds,
                        {},
                        {}};
  invocation.metadata.ordered_at = place.at;
  for (const auto& result : results.results) {
    ++invocation.results[{std::string(resource_type_of(result.source)), result.status}];
    auto& source = project.freshness[result.source];
    if (place.is_after(source.at)) add_freshness(source, result, invocation.metadata);
  }
  if (measures_sources(invocation)) {
    project.freshness_at = std::max(project.freshness_at.value_or(place.at), place.at);
  }
  add_invocation(project, freshness_command(results.kind), std::move(invocation));
  return place.is_news;
}

}  // namespace exporter::dbt
