#include <algorithm>

#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kInfo =
    info("dbt_invocation_info",
         "Information about the last invocation of a command, with the DAG and the task that ran "
         "it according to dbt's environment.",
         "project", "command", "invocation_id", "dbt_version", "dag_id", "task_id");
constexpr auto kTimestamp =
    gauge("dbt_invocation_last_timestamp_seconds",
          "When the last invocation of the command wrote its results, or ended without any "
          "according to dbt's log, in seconds since 1970.",
          "project", "command");
constexpr auto kStarted = gauge(
    "dbt_invocation_started_timestamp_seconds",
    "When the last invocation of the command started, in seconds since 1970; dbt 1.10 and newer.",
    "project", "command");
constexpr auto kFullRefresh = gauge("dbt_invocation_full_refresh",
                                    "Whether the command's last invocation rebuilt tables (1), "
                                    "which takes longer, or not (0).",
                                    "project", "command");
constexpr auto kElapsed =
    gauge("dbt_invocation_elapsed_seconds",
          "Wall time that the nodes of the command's last invocation took together.", "project",
          "command");
constexpr auto kFailed =
    gauge("dbt_invocation_failed",
          "Whether the last invocation of the command failed (1) or not (0): whether a node did, "
          "or, where dbt's log can be read, the command, even if it left no results.",
          "project", "command");
constexpr auto kResults =
    gauge("dbt_invocation_results", "Results of the command's last invocation, by their status.",
          "project", "command", "resource_type", "status");
constexpr auto kIncomplete =
    gauge("dbt_invocation_incomplete",
          "Whether an invocation that runs nodes has left no results, or was interrupted, and no "
          "later one in the same location has finished: it was killed, could not reach the "
          "warehouse, or still runs.",
          "project");
constexpr auto kIncompleteSince =
    gauge("dbt_invocation_incomplete_since_timestamp_seconds",
          "When the first of the unfinished invocations in the location started, in seconds since "
          "1970; absent without any.",
          "project", "location");
constexpr MetricView kMetrics[] = {kInfo,   kTimestamp, kStarted,    kFullRefresh,    kElapsed,
                                   kFailed, kResults,   kIncomplete, kIncompleteSince};

void add_invocations(Samples& samples, const Project& project,
                     std::span<const std::string> /*shown*/) {
  const auto& incomplete = project.incomplete;
  if (project.manifest) samples.add(kIncomplete, incomplete.empty() ? 0 : 1, project.name);
  for (const auto& [location, each] : incomplete) {
    samples.add(kIncompleteSince, unix_seconds(each.since), project.name, location);
  }
  for (const auto& [command, last] : project.invocations) {
    const auto& metadata = last.metadata;
    const auto origin = [&](std::string_view label) {
      return project.labels.value(metadata.origin, label);
    };
    samples.add(kInfo, 1, project.name, command, metadata.invocation_id, metadata.dbt_version,
                origin("dag_id"), origin("task_id"));
    samples.add(kTimestamp, unix_seconds(metadata.generated_at), project.name, command);
    if (const auto started = metadata.invocation_started_at) {
      samples.add(kStarted, unix_seconds(*started), project.name, command);
    }
    if (last.is_full_refresh) {
      samples.add(kFullRefresh, *last.is_full_refresh ? 1 : 0, project.name, command);
    }
    samples.add(kElapsed, last.elapsed_seconds, project.name, command);
    samples.add(kFailed, last.outcome == Outcome::failure ? 1 : 0, project.name, command);
    for (const auto& [kind, count] : last.results) {
      samples.add(kResults, static_cast<double>(count), project.name, command, kind.first,
                  kind.second);
    }
  }
}

}  // namespace

constinit const Part kInvocations{kMetrics, add_invocations};

}  // namespace exporter::dbt
