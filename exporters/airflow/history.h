#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/metric/samples.h"
#include "exporters/airflow/deployment.h"
#include "exporters/airflow/live_rows.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// Identifies a run until it is deleted.
struct RunKey {
  std::string dag, run;

  auto operator<=>(const RunKey&) const = default;
};
inline RunKey key_of(const DagRun& run) { return {run.dag, run.id}; }

/// Finished runs that changed in a closed interval.
struct Slice {
  Time from = {}, to = {};
  /// Only those that were due in this range; Airflow 3.
  std::optional<Time> due_from = {}, due_to = {};
};

/// A part of a list.
template <class Row>
struct Page {
  std::vector<Row> rows;
  std::size_t received = 0;  ///< including those that could not be read
  std::size_t total = 0;     ///< in the whole list
};

/// What has not ended.
struct Live {
  LiveSet<DagRun> runs;
  LiveSet<TaskInstance> tasks;  ///< none if the permission to read them is missing
};

/// The queries for finished work of a deployment. Each throws Error. They are functions so that
/// tests can replace the deployment.
struct History {
  /// A page of the finished runs that changed in the slice, in the order of their ids.
  std::function<Page<DagRun>(const Slice&, std::size_t offset)> changed_runs;
  /// A part of such a page; a failure is not retried.
  std::function<Page<DagRun>(const Slice&, std::size_t offset, std::size_t limit)> some_changed;
  /// How many there are, also if some of them cannot be read.
  std::function<std::size_t(const Slice&)> count_changed;
  /// A page of the runs that ended in the slice, in the same order.
  std::function<Page<DagRun>(const Slice&, std::size_t offset)> ended_runs;
  /// Nothing if it was deleted.
  std::function<std::optional<DagRun>(const RunKey&)> find_run;
  /// A page of the task instances of these runs, each with its newest try. It may include others:
  /// of a run with the same name of another one of these DAGs.
  std::function<Page<TaskInstance>(std::span<const RunKey>, std::size_t offset)> tasks;
  /// All tries of a task instance; nothing if Airflow does not report them (before 2.10).
  std::function<std::optional<std::vector<TaskInstance>>(const TaskInstance&)> tries;
  /// False if the DAG was deleted.
  std::function<bool(const std::string& dag)> has_dag;
  /// A few of the newest finished runs of a DAG, and the newest successful one.
  std::function<Page<DagRun>(const std::string& dag)> newest_runs;
  std::function<std::optional<DagRun>(const std::string& dag)> newest_success;
  bool has_due_filter = false;     ///< for Slice::due_from and due_to
  std::size_t most_requests = 60;  ///< in one update, separately for runs and tasks
  std::size_t most_asides = 20;    ///< requests about single DAGs in one update
};

/// The history of a deployment from its API, during one run of a collector. Malformed rows are
/// noted in the samples. Throws Error if the deployment is not reachable.
History history_of(Deployment& deployment, Samples& samples, const Deadline& deadline);

}  // namespace exporter::airflow
