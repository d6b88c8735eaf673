#include "exporters/airflow/live.h"

#include <map>
#include <optional>
#include <tuple>

#include "exporters/airflow/families.h"

namespace exporter::airflow {
namespace {

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
    samples.add(kLiveRuns, static_cast<double>(count), name, of.first, of.second);
  }
  for (const auto& [of, since] : oldest) {
    samples.add(kOldestRun, seconds_of(since), name, of.first, of.second);
  }
  samples.add(kUnreadLive, static_cast<double>(live.unread), name, "runs");
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
    samples.add(kLiveTasks, static_cast<double>(count), name, dag, pool, queue, state);
  }
  for (const auto& [of, since] : oldest) {
    samples.add(kOldestTask, seconds_of(since), name, of.first, of.second);
  }
  samples.add(kUnreadLive, static_cast<double>(live.unread), name, "task_instances");
}

}  // namespace

void add_live(Samples& samples, const std::string& deployment, const Live& live) {
  add_runs(samples, deployment, live.runs);
  add_tasks(samples, deployment, live.tasks);
}

}  // namespace exporter::airflow
