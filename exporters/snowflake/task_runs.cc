#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kRuns =
    counter("snowflake_task_runs_total",
            "Finished runs of tasks by state (succeeded, failed, failed_and_auto_suspended, "
            "cancelled, skipped). task is set only for failed runs.",
            "account", "database", "schema", "task", "state");
constexpr auto kSeconds =
    counter("snowflake_task_run_seconds_total", "Duration of the runs of tasks.", "account",
            "database", "schema");
constexpr auto kDelay = counter("snowflake_task_start_delay_seconds_total",
                                "Time from when runs of tasks were scheduled until they started.",
                                "account", "database", "schema");
constexpr auto kRetries =
    counter("snowflake_task_retries_total", "Runs of tasks that were a second or later attempt.",
            "account", "database", "schema");
constexpr auto kCredits = counter("snowflake_serverless_task_credits_total",
                                  "Credits of serverless tasks.", "account", "database", "schema");
constexpr MetricView kMetrics[] = {kRuns, kSeconds, kDelay, kRetries, kCredits};

constexpr std::string_view kByTask[] = {"L_DATABASE", "L_SCHEMA", "L_TASK", "L_STATE"},
                           kBySchema[] = {"L_DATABASE", "L_SCHEMA"};
constexpr double kMillisecond = 0.001;
constexpr Value kRunValues[] = {
    {"V_RUNS", kRuns},
    {"V_RUN_MS", kSeconds, kMillisecond},
    {"V_START_DELAY_MS", kDelay, kMillisecond},
    {"V_RETRIES", kRetries},
};
constexpr Value kServerlessValues[] = {{"V_CREDITS", kCredits}};

/// The number of tasks is unlimited: all count by schema, and only failed ones are named.
constexpr UsageStatement kStatements[] = {
    {.name = "tasks",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  IFF(STATE LIKE 'FAILED%', COALESCE(NAME, ''), '') AS L_TASK, LOWER(STATE) AS L_STATE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME)), 300) AS B,
  COUNT(*) AS V_RUNS,
  SUM(IFF(QUERY_START_TIME IS NULL, 0, GREATEST(DATEDIFF('millisecond', QUERY_START_TIME, COMPLETED_TIME), 0))) AS V_RUN_MS,
  SUM(IFF(QUERY_START_TIME IS NULL, 0, GREATEST(DATEDIFF('millisecond', SCHEDULED_TIME, QUERY_START_TIME), 0))) AS V_START_DELAY_MS,
  COUNT_IF(ATTEMPT_NUMBER > 1) AS V_RETRIES,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.TASK_HISTORY
WHERE COMPLETED_TIME >= TO_TIMESTAMP_LTZ({lo}) AND COMPLETED_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kByTask,
     .bucket = minutes(5),
     .horizon = hours(6),
     .counters = kRunValues},
    {.name = "serverless_tasks",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED::FLOAT, 0)) AS V_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.SERVERLESS_TASK_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3)",
     .labels = kBySchema,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kServerlessValues},
};

}  // namespace

constinit const Group kTaskRunsGroup{"task_runs", minutes(45), kStatements, "USAGE_VIEWER"};

constinit const Module kTaskRuns = group_module<kTaskRunsGroup>(kMetrics);

}  // namespace exporter::snowflake
