#pragma once

#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/airflow/observations.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// How tasks are counted: per DAG, with an empty label `task_id`, or individually.
enum class Detail { dag, task };

/// Counts what has ended, in one run of the deployment's ledger of runs or of its ledger of tasks.
/// A run of a DAG counts each time it ends; its identity is (dag_id, dag_run_id, end_date). A try
/// of a task is (dag_id, dag_run_id, task_id, map_index, try_number); a task that never ran is
/// distinguished by its id (Airflow 3) or by the start of its run. The first state seen counts,
/// because users can change it.
class Finished {
 public:
  Finished(Ledger::Run& run, std::string deployment, Detail detail);

  /// Whether it counts as new. If its names are too long for a ledger, it is logged and not
  /// counted.
  bool count(const DagRun& run);
  /// `run` is the run of the task. An unfinished task is not counted.
  bool count(const TaskInstance& task, const DagRun& run);
  /// Whether it would count as new and the try before it was not counted, and so may have been
  /// missed.
  bool may_follow_missed(const TaskInstance& task, const DagRun& run);

  /// Reports the durations. Call it last.
  void finish();
  /// Moves the exemplars of the observations there, after the commit.
  void move_exemplars_to(Exemplars& exemplars) { observations_.move_exemplars_to(exemplars); }

 private:
  bool count(const MetricView& counter, const Event& event,
             std::span<const std::string_view> labels);

  Ledger::Run& run_;
  const std::string deployment_;
  const Detail detail_;
  Observations observations_;
};

/// Whether the try is over, even if a retry follows.
bool has_ended(const TaskInstance& task);
/// Whether it runs or waits to run.
bool is_live(const TaskInstance& task);

/// Adds what is counted for the DAGs that `keep` accepts.
void add_finished_runs(Samples& samples, const Ledger& runs, const Exemplars& exemplars,
                       const Ledger::Keep& keep = {});
void add_finished_tasks(Samples& samples, const Ledger& tasks, const Exemplars& exemplars,
                        const Ledger::Keep& keep = {});
/// For these: keeps the series of the DAGs that `shows` accepts.
template <class Shows>
Ledger::Keep keep_dags(Shows shows) {
  return [shows](std::span<const std::string_view> labels) { return shows(labels[1]); };
}

}  // namespace exporter::airflow
