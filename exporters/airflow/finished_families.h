#pragma once

#include "common/metric/metric.h"

namespace exporter::airflow {

// The families of what has ended.

constexpr auto kRunsEnded =
    counter("airflow_dag_runs_total",
            "Runs that have ended, by how (success, failed) and by what made "
            "them. A run that was cleared and runs again counts again.",
            "deployment", "dag_id", "state", "run_type");
constexpr auto kRunDuration = histogram("airflow_dag_run_duration_seconds",
                                        "How long runs took from their start, by how they ended.",
                                        "deployment", "dag_id", "state");
constexpr auto kDelay =
    histogram("airflow_dag_run_schedule_delay_seconds",
              "How long after they were due scheduled runs started.", "deployment", "dag_id");
constexpr auto kRunQueue =
    histogram("airflow_dag_run_queue_seconds",
              "How long runs were queued before they started (Airflow 3).", "deployment", "dag_id");
constexpr auto kTries =
    counter("airflow_task_tries_total",
            "Tries of tasks that have ended, by how: success, failed, up_for_retry (it failed and "
            "is tried again), skipped, upstream_failed, removed. task_id is empty unless tasks are "
            "counted one by one.",
            "deployment", "dag_id", "task_id", "state");
constexpr auto kTaskDuration =
    histogram("airflow_task_duration_seconds",
              "How long tries of tasks took; with a deferral in it, and of what is rescheduled the "
              "last part.",
              "deployment", "dag_id", "task_id");
constexpr auto kTaskQueue =
    histogram("airflow_task_queue_seconds", "How long tries of tasks were queued before they ran.",
              "deployment", "dag_id", "task_id");

}  // namespace exporter::airflow
