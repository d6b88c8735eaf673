#include "exporters/airflow/task_reader.h"

#include <algorithm>
#include <map>

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

/// The first page; nothing if not all of several runs fit on it, or if it cannot be read.
std::optional<Page<TaskInstance>> first_page(const History& history, std::span<const RunKey> runs,
                                             Failures& failures) {
  try {
    auto page = history.tasks(runs, 0);
    const bool is_whole = page.received >= std::min(page.total, kMostTasks);
    if (is_whole || runs.size() == 1) return page;
  } catch (const Error& error) {
    if (runs.size() == 1 || !Failures::may_be_of_one(error)) failures.note(error);
  }
  return std::nullopt;
}

/// The tasks of a single run are read page by page, in the order of ids, because they do not leave
/// it. If several runs do not fit on a page, or the reply to them cannot be read, each half is
/// requested.
void read(const History& history, std::span<const RunKey> runs, Allowance& allowance,
          Failures& failures,
          const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take) {
  ByRun tasks;
  for (const auto& run : runs) tasks[run];
  if (!allowance.take()) return;
  auto page = first_page(history, runs, failures);
  if (!page && runs.size() > 1) {
    const auto half = runs.size() / 2;
    read(history, runs.first(half), allowance, failures, take);
    read(history, runs.subspan(half), allowance, failures, take);
  }
  if (!page) return;
  const auto total = std::min(page->total, kMostTasks);
  auto received = page->received;
  add(tasks, std::move(page->rows));
  while (received < total) {
    page = history.tasks(runs, received);
    if (page->received == 0) break;
    received += page->received;
    add(tasks, std::move(page->rows));
  }
  if (total < page->total) {
    log::warn("a run has more tasks than the limit",
              {{"dag_id", runs.front().dag},
               {"dag_run_id", runs.front().run},
               {"tasks", static_cast<std::int64_t>(page->total)}});
  }
  for (auto& [run, rows] : tasks) take(run, std::move(rows));
}

}  // namespace

void read_tasks(const History& history, std::span<const RunKey> runs, Allowance& allowance,
                Failures& failures,
                const std::function<void(const RunKey&, std::vector<TaskInstance>)>& take) {
  for (std::size_t at = 0; at < runs.size(); at += kMostRunsAtOnce) {
    read(history, runs.subspan(at, std::min(kMostRunsAtOnce, runs.size() - at)), allowance,
         failures, take);
  }
}

}  // namespace exporter::airflow
