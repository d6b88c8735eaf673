#pragma once

#include "common/metric/metric.h"

namespace exporter::airflow {

// The families of the collector `runs`: of what has not ended,

constexpr auto kLiveRuns = gauge("airflow_runs", "Runs of a DAG that have not ended, by state.",
                                 "deployment", "dag_id", "state");
constexpr auto kOldestRun = gauge(
    "airflow_oldest_run_timestamp_seconds",
    "Since when the oldest of the DAG's runs in this state has been in it, in seconds since 1970. "
    "Airflow 2 does not say it of queued runs.",
    "deployment", "dag_id", "state");
constexpr auto kLiveTasks =
    gauge("airflow_task_instances",
          "Task instances that have not ended, by state. Only what exists has a series.",
          "deployment", "dag_id", "pool", "queue", "state");
constexpr auto kOldestTask = gauge(
    "airflow_oldest_task_instance_timestamp_seconds",
    "Since when the oldest of the DAG's task instances in this state has been in it, in seconds "
    "since 1970; of deferred ones since when it has run. Airflow 2 does not say it of scheduled "
    "ones.",
    "deployment", "dag_id", "state");
constexpr auto kUnreadLive =
    gauge("airflow_live_unread",
          "Rows of what has not ended that were left out, because there are more than 10000.",
          "deployment", "list");

// of the last run of each DAG, and of how far the reading has come,

constexpr auto kLastState =
    gauge("airflow_dag_last_run_state",
          "1 for how the last run that ended did (success, failed); the other has no series.",
          "deployment", "dag_id", "state");
constexpr auto kLastRun =
    gauge("airflow_dag_last_run_timestamp_seconds",
          "When the last run that ended did, in seconds since 1970.", "deployment", "dag_id");
constexpr auto kLastDuration =
    gauge("airflow_dag_last_run_duration_seconds",
          "How long the last run that ended took from its start.", "deployment", "dag_id");
constexpr auto kLastSuccess =
    gauge("airflow_dag_last_success_timestamp_seconds",
          "When a run last ended with success, in seconds since 1970; absent while none is known.",
          "deployment", "dag_id");
constexpr auto kFailures =
    gauge("airflow_dag_consecutive_failed_runs",
          "Runs that failed since the last one that did not. Of those from before the exporter's "
          "first start at most ten count.",
          "deployment", "dag_id");
constexpr auto kRequired =
    gauge("airflow_dag_required_success_timestamp_seconds",
          "Since when a run must have succeeded by the DAG's deadline in the configuration, in "
          "seconds since 1970. The deadline is missed where the last success is before, or absent.",
          "deployment", "dag_id");
constexpr auto kReadUpTo =
    gauge("airflow_runs_read_timestamp_seconds",
          "Up to when, by the clock of the deployment, runs that ended are counted.", "deployment");
constexpr auto kUnread =
    gauge("airflow_unread_runs", "Runs that have ended and whose tasks are still to be counted.",
          "deployment");

// and of all that ended.

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

// Whatever the level of detail.

constexpr auto kTaskFailures =
    gauge("airflow_task_recent_failures",
          "Tries of the task that failed in the last 24 hours, with those that are tried again; of "
          "the 20 tasks with the most.",
          "deployment", "dag_id", "task_id");
constexpr auto kTaskLongest =
    gauge("airflow_task_recent_longest_seconds",
          "How long the longest try of the task took that ended in the last 24 hours; of the 20 "
          "tasks with the longest.",
          "deployment", "dag_id", "task_id");

}  // namespace exporter::airflow
