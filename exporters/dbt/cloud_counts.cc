#include "exporters/dbt/cloud_counts.h"

namespace exporter::dbt {
namespace {

constexpr auto kRuns = counter("dbt_cloud_job_runs_total",
                               "Finished runs of the job by outcome: success, error, cancelled.",
                               "project", "job_id", "outcome");
constexpr auto kQueued =
    histogram("dbt_cloud_job_queue_duration_seconds",
              "Time that runs of the job waited before they started.", "project", "job_id");
constexpr auto kRan = histogram(
    "dbt_cloud_job_run_duration_seconds",
    "Duration of runs of the job from their start, successful or not; cancelled ones are left out.",
    "project", "job_id");
constexpr auto kTotal = histogram("dbt_cloud_job_total_duration_seconds",
                                  "Duration of runs of the job from when they were triggered, "
                                  "successful or not; cancelled ones are left out.",
                                  "project", "job_id");
constexpr MetricView kMetrics[] = {kRuns, kQueued, kRan, kTotal};

constexpr double kQueueBounds[] = {1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600};
constexpr double kRunBounds[] = {30,   60,   120,  300,   600,   1200,
                                 1800, 3600, 7200, 14400, 28800, 86400};

double seconds(Time::duration duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

}  // namespace

std::span<const MetricView> cloud_counters() { return kMetrics; }

void count(Ledger::Run& run, const std::string& project, const CloudRun& ended) {
  const auto id = "cloud run " + std::to_string(ended.id), job = std::to_string(ended.job);
  const Event event{id, ended.ended_at()};
  run.record(kRuns, event, 1, project, job, to_string(ended.status));
  if (!ended.started_at) return;
  run.observe(kQueued, kQueueBounds, event, seconds(*ended.started_at - ended.created_at), project,
              job);
  if (!ended.finished_at || ended.status == CloudStatus::cancelled) return;
  run.observe(kRan, kRunBounds, event, seconds(*ended.finished_at - *ended.started_at), project,
              job);
  run.observe(kTotal, kRunBounds, event, seconds(*ended.finished_at - ended.created_at), project,
              job);
}

void add_cloud_counters(Samples& samples, const Ledger& ledger) {
  ledger.add_to(samples, kRuns);
  ledger.add_to(samples, kQueued, kQueueBounds);
  ledger.add_to(samples, kRan, kRunBounds);
  ledger.add_to(samples, kTotal, kRunBounds);
}

}  // namespace exporter::dbt
