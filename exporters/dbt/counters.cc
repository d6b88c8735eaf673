#include "exporters/dbt/counters.h"

#include <algorithm>

namespace exporter::dbt {
namespace {

constexpr auto kNodeRuns = counter("dbt_node_runs_total",
                                   "Results of the node by status, as dbt writes it: one per "
                                   "invocation that ran or skipped the node.",
                                   "project", "unique_id", "status");
constexpr auto kInvocations = counter(
    "dbt_invocations_total",
    "Invocations that left results, or failed without any according to dbt's log, by command and "
    "outcome: failure if a node failed or dbt's log says so, otherwise success.",
    "project", "command", "outcome");
constexpr auto kSeconds =
    histogram("dbt_execution_seconds", "Duration of node runs, by resource type.", "project",
              "resource_type");
constexpr auto kUnknown =
    counter("dbt_unknown_statuses_total",
            "Results with an unknown status, which count neither as success nor as failure.",
            "project", "status");
constexpr MetricView kMetrics[] = {kNodeRuns, kInvocations, kSeconds, kUnknown};

/// Seconds: views of 0.1 s and models of hours.
constexpr double kBounds[] = {0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200};

/// The id of one of several events of an invocation: a node's, or a command's.
std::string id_of(std::string_view invocation, std::string_view part) {
  return std::string(invocation).append(" ").append(part);
}

/// Both outcomes have a series from the first invocation on, because increase() ignores the first
/// value of a series.
void count_invocation(Ledger::Run& run, const Project& project, const std::string& command,
                      const Metadata& metadata, bool failed) {
  for (const auto* outcome : {"success", "failure"}) {
    run.ensure(kInvocations, project.name, command, outcome);
  }
  run.record(kInvocations, {id_of(id_of(metadata), command), metadata.generated_at}, 1,
             project.name, command, failed ? "failure" : "success");
}

bool is_failure(std::string_view status) { return outcome_of(status) == Outcome::failure; }

}  // namespace

std::span<const MetricView> counters() { return kMetrics; }

std::vector<Migration> migrations() {
  // Events were identified by their labels too, and their id was the invocation's.
  const auto with_label = [](std::size_t label) {
    return [label](std::string_view id, std::span<const std::string_view> labels) {
      return id_of(id, labels[label]);
    };
  };
  return {{.name = "ids of node runs", .from = kNodeRuns, .to = kNodeRuns, .id = with_label(1)},
          {.name = "ids of invocations",
           .from = kInvocations,
           .to = kInvocations,
           .id = with_label(1)}};
}

void count_run_results(Ledger::Run& run, const Project& project, const RunResults& results) {
  const auto& metadata = results.metadata;
  const auto invocation = id_of(metadata);
  bool failed = results.has_failed;
  for (const auto* result : results_that_count(project, results)) {
    failed = failed || is_failure(result->status);
    if (!results.are_real()) continue;
    const auto id = id_of(invocation, result->node);
    const Event event{id, metadata.generated_at};
    run.record(kNodeRuns, event, 1, project.name, result->node, result->status);
    const auto outcome = outcome_of(result->status);
    if (outcome == Outcome::unknown) run.record(kUnknown, event, 1, project.name, result->status);
    if (outcome != Outcome::idle && result->execution_seconds) {
      run.observe(kSeconds, kBounds, event, *result->execution_seconds, project.name,
                  resource_type_of(result->node));
    }
  }
  count_invocation(run, project, results.shown_command(), metadata, failed);
}

void count_freshness(Ledger::Run& run, const Project& project, const FreshnessResults& results) {
  const bool failed =
      results.has_failed || std::ranges::any_of(results.results, [](const auto& result) {
        return is_failure(result.status);
      });
  count_invocation(run, project, freshness_command(results.kind), results.metadata, failed);
}

void add_counters(Samples& samples, const Ledger& ledger,
                  const std::set<std::string, std::less<>>& shown) {
  ledger.add_to(samples, kNodeRuns, {}, [&](std::span<const std::string_view> labels) {
    return shown.contains(labels[1]);
  });
  ledger.add_to(samples, kInvocations);
  ledger.add_to(samples, kSeconds, kBounds);
  ledger.add_to(samples, kUnknown);
}

}  // namespace exporter::dbt
