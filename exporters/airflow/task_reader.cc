#include "exporters/airflow/task_reader.h"

#include <algorithm>
#include <map>
#include <optional>

#include "common/base/log.h"

namespace exporter::airflow {
namespace {

constexpr std::size_t kMostTasks = 10'000;  // of one run

using ByRun = std::map<RunKey, std::vector<TaskInstance>>;

void add(ByRun& tasks, std::vector<TaskInstance> rows) {
  for (auto& row : rows) {
    const auto found = tasks.find({row.dag, row.run});
    if (found != tasks.end()) found->second.push_back(std::move(row));
  }
}

/// The tasks of a single run are read page by page, in the order of ids, because they do not leave
/// it. Nothing if those of several runs do not fit on a page.
std::optional<ByRun> tasks_of(const History& history, std::span<const RunKey> runs) {
  ByRun tasks;
  for (const auto& run : runs) tasks[run];
  auto page = history.tasks(runs, 0);
  const auto total = std::min(page.total, kMostTasks);
  auto received = page.received;
  if (received < total && runs.size() > 1) return std::nullopt;
  add(tasks, std::move(page.rows));
  while (received < total) {
    page = history.tasks(runs, received);
    if (page.received == 0) break;
    received += page.received;
    add(tasks, std::move(page.rows));
  }
  if (total < page.total) {
    log::warn("a run has more tasks than the limit",
              {{"dag_id", runs.front().dag},
               {"dag_run_id", runs.front().run},
               {"tasks", static_cast<std::int64_t>(page.total)}});
  }
  return tasks;
}

/// If several runs do not fit on a page, or the reply to them cannot be read, each half is
/// requested.
void read(const History& history, std::span<const RunKey> runs, Allowance& allowance,
          const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take) {
  if (!allowance.take()) return;
  std::optional<ByRun> tasks;
  try {
    tasks = tasks_of(history, runs);
  } catch (const Error& error) {
    const bool is_known_later = runs.size() > 1 && Failures::may_be_of_one(error);
    if (!is_known_later) allowance.failures().note(runs.front(), error);
  }
  if (!tasks && runs.size() > 1) {
    const auto half = runs.size() / 2;
    read(history, runs.first(half), allowance, take);
    read(history, runs.subspan(half), allowance, take);
  }
  if (!tasks) return;
  for (auto& [run, rows] : *tasks) {
    allowance.failures().note_read(run);
    take(run, std::move(rows));
  }
}

}  // namespace

void read_tasks(const History& history, std::span<const RunKey> runs, Allowance& allowance,
                const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take) {
  for (std::size_t at = 0; at < runs.size(); at += kMostRunsAtOnce) {
    read(history, runs.subspan(at, std::min(kMostRunsAtOnce, runs.size() - at)), allowance, take);
  }
}

}  // namespace exporter::airflow
