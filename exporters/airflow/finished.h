#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/airflow/observations.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// By what tasks are counted: by their DAG, with an empty label `task_id`, or each for itself.
enum class Detail { dag, task };

/// Counts what has ended, in one run of the deployment's ledger of runs or that of tasks. A run of
/// a DAG counts each time that it ends; its identity is (dag_id, dag_run_id, end_date). A try of a
/// task is (dag_id, dag_run_id, task_id, map_index, try_number); what never ran is told
/// apart by its id (Airflow 3) or by when its run started. The state in which it was first seen
/// counts, as it can be changed by hand.
class Finished {
 public:
  Finished(Ledger::Run& run, std::string deployment, Detail detail);

  /// Whether it counts as new. One that cannot be counted, as its names are too long for a ledger,
  /// is logged.
  bool count(const DagRun& run);
  /// The run is that of the task. One that has not ended counts nothing.
  bool count(const TaskInstance& task, const DagRun& run);
  /// Whether it counts as new and the try before it was not counted: that may have been missed.
  bool may_follow_missed(const TaskInstance& task, const DagRun& run);

  /// Reports how long things took. Last.
  void finish();
  /// Takes over what leads to the observations, after the commit.
  void move_exemplars_to(Exemplars& exemplars) { observations_.move_exemplars_to(exemplars); }

 private:
  bool count(const MetricView& counter, const Event& event,
             std::span<const std::string_view> labels);

  Ledger::Run& run_;
  const std::string deployment_;
  const Detail detail_;
  Observations observations_;
};

/// Whether the try that is shown is over: with its retry to come, too.
bool has_ended(const TaskInstance& task);
/// Whether it runs or waits to run.
bool is_live(const TaskInstance& task);

/// Adds what is counted of the DAGs to keep.
void add_finished_runs(Samples& samples, const Ledger& runs, const Exemplars& exemplars,
                       const Ledger::Keep& keep = {});
void add_finished_tasks(Samples& samples, const Ledger& tasks, const Exemplars& exemplars,
                        const Ledger::Keep& keep = {});
/// For these: keeps the series of some DAGs.
template <class Shows>
Ledger::Keep keep_dags(Shows shows) {
  return [shows](std::span<const std::string_view> labels) { return shows(labels[1]); };
}

}  // namespace exporter::airflow
