#pragma once

#include "common/metric/metric.h"

namespace exporter::airflow {

// The families of the collector `runs`: unfinished runs and tasks,

constexpr auto kLiveRuns =
    gauge("airflow_runs", "Unfinished runs of a DAG, by state.", "deployment", "dag_id", "state");
constexpr auto kOldestRun =
    gauge("airflow_oldest_run_timestamp_seconds",
          "Time since when the DAG's oldest run in this state has been in it, in seconds since "
          "1970. Airflow 2 does not report it for queued runs.",
          "deployment", "dag_id", "state");
constexpr auto kLiveTasks =
    gauge("airflow_task_instances", "Unfinished task instances, by state; no series without any.",
          "deployment", "dag_id", "pool", "queue", "state");
constexpr auto kOldestTask = gauge(
    "airflow_oldest_task_instance_timestamp_seconds",
    "Time since when the DAG's oldest task instance in this state has been in it, in seconds since "
    "1970; for deferred ones since its start. Airflow 2 does not report it for scheduled ones.",
    "deployment", "dag_id", "state");
constexpr auto kUnreadLive =
    gauge("airflow_live_unread",
          "Unfinished runs or task instances that were left out because there are more than 10000.",
          "deployment", "list");

// the last run of each DAG, and the progress of reading,

constexpr auto kLastState = gauge(
    "airflow_dag_last_run_state",
    "1 for the state of the last finished run (success, failed); the other state has no series.",
    "deployment", "dag_id", "state");
constexpr auto kLastRun =
    gauge("airflow_dag_last_run_timestamp_seconds",
          "When the last finished run ended, in seconds since 1970.", "deployment", "dag_id");
constexpr auto kLastDuration = gauge("airflow_dag_last_run_duration_seconds",
                                     "Duration of the last finished run.", "deployment", "dag_id");
constexpr auto kLastSuccess =
    gauge("airflow_dag_last_success_timestamp_seconds",
          "When a run last succeeded, in seconds since 1970; absent while none is known.",
          "deployment", "dag_id");
constexpr auto kFailures =
    gauge("airflow_dag_consecutive_failed_runs",
          "Failed runs in a row. At most ten from before the exporter's first start count.",
          "deployment", "dag_id");
constexpr auto kRequired =
    gauge("airflow_dag_required_success_timestamp_seconds",
          "Time since when a run must have succeeded by the DAG's configured deadline, in seconds "
          "since 1970. The deadline is missed if the last success is earlier, or absent.",
          "deployment", "dag_id");
constexpr auto kReadUpTo = gauge(
    "airflow_runs_read_timestamp_seconds",
    "Time up to which finished runs are counted, by the deployment's clock, in seconds since 1970.",
    "deployment");
constexpr auto kUnread =
    gauge("airflow_unread_runs", "Finished runs whose tasks are not counted yet.", "deployment");

// and finished runs and tasks.

constexpr auto kRunsEnded = counter("airflow_dag_runs_total",
                                    "Finished runs by state (success, failed) and type. A run that "
                                    "was cleared and ran again counts again.",
                                    "deployment", "dag_id", "state", "run_type");
constexpr auto kRunDuration =
    histogram("airflow_dag_run_duration_seconds", "Duration of runs, by state.", "deployment",
              "dag_id", "state");
constexpr auto kDelay =
    histogram("airflow_dag_run_schedule_delay_seconds",
              "Time from when scheduled runs were due until they started.", "deployment", "dag_id");
constexpr auto kRunQueue = histogram("airflow_dag_run_queue_seconds",
                                     "Time that runs were queued before they started (Airflow 3).",
                                     "deployment", "dag_id");
constexpr auto kTries =
    counter("airflow_task_tries_total",
            "Finished task tries by state: success, failed, up_for_retry (failed and retried), "
            "skipped, upstream_failed, removed. task_id is empty unless tries are counted by task.",
            "deployment", "dag_id", "task_id", "state");
constexpr auto kTaskDuration = histogram(
    "airflow_task_duration_seconds",
    "Duration of task tries, including deferrals; for rescheduled tasks only the last part.",
    "deployment", "dag_id", "task_id");
constexpr auto kTaskQueue =
    histogram("airflow_task_queue_seconds", "Time that task tries were queued before they ran.",
              "deployment", "dag_id", "task_id");

// At any level of detail.

constexpr auto kTaskFailures = gauge("airflow_task_recent_failures",
                                     "Failed tries of the task in the last 24 hours, retried ones "
                                     "included, for the 20 tasks with the most.",
                                     "deployment", "dag_id", "task_id");
constexpr auto kTaskLongest = gauge("airflow_task_recent_longest_seconds",
                                    "Duration of the task's longest try that ended in the last 24 "
                                    "hours, for the 20 tasks with the longest.",
                                    "deployment", "dag_id", "task_id");

}  // namespace exporter::airflow
