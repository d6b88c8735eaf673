#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kRuns = counter("snowflake_alert_runs_total",
                               "Finished evaluations of Snowflake's own alerts by result "
                               "(condition_false, triggered, condition_failed, action_failed, "
                               "failed, cancelled). alert is empty if the condition was false.",
                               "account", "database", "schema", "alert", "state");
constexpr MetricView kMetrics[] = {kRuns};

constexpr std::string_view kLabels[] = {"L_DATABASE", "L_SCHEMA", "L_ALERT", "L_STATE"};
constexpr Value kValues[] = {{"V_RUNS", kRuns}};

constexpr UsageStatement kStatements[] = {
    {.name = "alerts",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  IFF(STATE = 'CONDITION_FALSE', '', COALESCE(NAME, '')) AS L_ALERT, LOWER(STATE) AS L_STATE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME)), 300) AS B,
  COUNT(*) AS V_RUNS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', COMPLETED_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.ALERT_HISTORY
WHERE COMPLETED_TIME >= TO_TIMESTAMP_LTZ({lo}) AND COMPLETED_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kValues},
};

}  // namespace

constinit const Group kAlertsGroup{"alerts", hours(3), kStatements, kImportedPrivileges};

constinit const Module kAlerts = group_module<kAlertsGroup>(kMetrics);

}  // namespace exporter::snowflake
