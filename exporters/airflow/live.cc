#include <map>
#include <optional>
#include <tuple>

#include "common/base/error.h"
#include "exporters/airflow/live_rows.h"

namespace exporter::airflow {
namespace {

constexpr auto kRuns = gauge("airflow_runs", "Runs of a DAG that have not ended, by state.",
                             "deployment", "dag_id", "state");
constexpr auto kOldestRun = gauge(
    "airflow_oldest_run_timestamp_seconds",
    "Since when the oldest of the DAG's runs in this state has been in it, in seconds since 1970. "
    "Airflow 2 does not say it of queued runs.",
    "deployment", "dag_id", "state");
constexpr auto kTasks =
    gauge("airflow_task_instances",
          "Task instances that have not ended, by state. Only what exists has a series.",
          "deployment", "dag_id", "pool", "queue", "state");
constexpr auto kOldestTask = gauge(
    "airflow_oldest_task_instance_timestamp_seconds",
    "Since when the oldest of the DAG's task instances in this state has been in it, in seconds "
    "since 1970; of deferred ones since when it has run. Airflow 2 does not say it of scheduled "
    "ones.",
    "deployment", "dag_id", "state");
constexpr auto kUnread =
    gauge("airflow_live_unread",
          "Rows of what has not ended that were left out, because there are more than 10000.",
          "deployment", "list");
constexpr MetricView kMetrics[] = {kRuns, kOldestRun, kTasks, kOldestTask, kUnread};

using DagState = std::pair<std::string, std::string>;
using Oldest = std::map<DagState, Time>;

void note(Oldest& oldest, const DagState& of, std::optional<Time> since) {
  if (!since) return;
  const auto [found, is_new] = oldest.emplace(of, *since);
  if (!is_new) found->second = std::min(found->second, *since);
}

std::optional<Time> since_of(const TaskInstance& task) {
  if (task.state == "queued") return task.queued;
  if (task.state == "scheduled") return task.scheduled;
  if (task.state == "running" || task.state == "deferred") return task.started;
  return std::nullopt;
}

void add_runs(Samples& samples, const std::string& name, const LiveSet<DagRun>& live) {
  std::map<DagState, std::size_t> counts;
  Oldest oldest;
  for (const auto& run : live.rows) {
    const DagState of(run.dag, run.state);
    ++counts[of];
    note(oldest, of, run.state == "queued" ? run.queued : run.started);
  }
  for (const auto& [of, count] : counts) {
    samples.add(kRuns, static_cast<double>(count), name, of.first, of.second);
  }
  for (const auto& [of, since] : oldest) {
    samples.add(kOldestRun, seconds_of(since), name, of.first, of.second);
  }
  samples.add(kUnread, static_cast<double>(live.unread), name, "runs");
}

void add_tasks(Samples& samples, const std::string& name, const LiveSet<TaskInstance>& live) {
  std::map<std::tuple<std::string, std::string, std::string, std::string>, std::size_t> counts;
  Oldest oldest;
  for (const auto& task : live.rows) {
    ++counts[{task.dag, task.pool, task.queue, task.state}];
    note(oldest, {task.dag, task.state}, since_of(task));
  }
  for (const auto& [of, count] : counts) {
    const auto& [dag, pool, queue, state] = of;
    samples.add(kTasks, static_cast<double>(count), name, dag, pool, queue, state);
  }
  for (const auto& [of, since] : oldest) {
    samples.add(kOldestTask, seconds_of(since), name, of.first, of.second);
  }
  samples.add(kUnread, static_cast<double>(live.unread), name, "task_instances");
}

/// A right may be missing for one of the two lists: the other is shown all the same.
template <class Read>
void unless_refused(Samples& samples, Read&& read) {
  try {
    read();
  } catch (const Error& error) {
    if (error.reason() != Reason::auth) throw;
    samples.set_failure(error);
  }
}

void collect(Deployment& deployment, Samples& samples, const Deadline& deadline) {
  unless_refused(samples, [&] {
    add_runs(samples, deployment.name, read_live_runs(deployment, samples, deadline));
  });
  unless_refused(samples, [&] {
    add_tasks(samples, deployment.name, read_live_tasks(deployment, samples, deadline));
  });
}

}  // namespace

constinit const Module kLive{"live",
                             Module::Default::on,
                             kMetrics,
                             {},
                             run<collect>,
                             Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                             std::chrono::minutes(1)};

}  // namespace exporter::airflow
