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

/// What names a run, as long as it is not deleted.
struct RunKey {
  std::string dag, run;

  auto operator<=>(const RunKey&) const = default;
};
inline RunKey key_of(const DagRun& run) { return {run.dag, run.id}; }

/// Finished runs that changed in an interval, both of its ends included.
struct Slice {
  Time from = {}, to = {};
  /// Of those that were due then or later, or earlier; Airflow 3.
  std::optional<Time> due_from = {}, due_to = {};
};

/// A part of a list.
template <class Row>
struct Page {
  std::vector<Row> rows;
  std::size_t received = 0;  ///< with those that could not be read
  std::size_t total = 0;     ///< in the whole list
};

/// What has not ended.
struct Live {
  LiveSet<DagRun> runs;
  LiveSet<TaskInstance> tasks;  ///< none where the right to read them is missing
};

/// What is asked of a deployment about work that is done. Each throws Error. Functions, so that the
/// tests can put made-up histories in the place of a deployment.
struct History {
  /// A page of the finished runs that changed in the slice, from the offset on in the order of
  /// their ids.
  std::function<Page<DagRun>(const Slice&, std::size_t offset)> changed_runs;
  /// A page of the runs that ended in the slice, in the same order.
  std::function<Page<DagRun>(const Slice&, std::size_t offset)> ended_runs;
  /// Nothing when it is deleted.
  std::function<std::optional<DagRun>(const RunKey&)> find_run;
  /// A page of the task instances of runs, each with its newest try. There may be others among
  /// them: of a run of the same name of another of the DAGs.
  std::function<Page<TaskInstance>(std::span<const RunKey>, std::size_t offset)> tasks;
  /// All tries of a task instance; nothing where Airflow cannot tell (before 2.10).
  std::function<std::optional<std::vector<TaskInstance>>(const TaskInstance&)> tries;
  /// Whether the DAG is there; not when it was deleted.
  std::function<bool(const std::string& dag)> has_dag;
  /// The newest runs of a DAG that have ended, a few of them, and the newest of those that
  /// succeeded.
  std::function<Page<DagRun>(const std::string& dag)> newest_runs;
  std::function<std::optional<DagRun>(const std::string& dag)> newest_success;
  bool has_due_filter = false;     ///< of Slice::due_from and due_to
  std::size_t most_requests = 60;  ///< in one update, for runs and for tasks each
  std::size_t most_asides = 20;    ///< requests about single DAGs at a time
};

/// The history of a deployment over its API, for the time of one run of a collector. Rows that
/// cannot be read are noted in the samples. Throws Error when the deployment cannot be reached.
History history_of(Deployment& deployment, Samples& samples, const Deadline& deadline);

}  // namespace exporter::airflow
