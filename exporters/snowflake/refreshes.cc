#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kEnded =
    counter("snowflake_dynamic_table_refreshes_total",
            "Finished refreshes of dynamic tables by state (succeeded, failed, cancelled, "
            "upstream_failed) and action (no_data, incremental, full, reinitialize, ...). dataset "
            "is set only for failed refreshes.",
            "account", "database", "schema", "dataset", "state", "action");
constexpr auto kSeconds =
    counter("snowflake_dynamic_table_refresh_seconds_total",
            "Time of the refreshes of dynamic tables.", "account", "database", "schema");
constexpr auto kLate = counter("snowflake_dynamic_table_late_refreshes_total",
                               "Refreshes of dynamic tables that ended later than the target lag "
                               "allows.",
                               "account", "database", "schema");
constexpr MetricView kMetrics[] = {kEnded, kSeconds, kLate};

constexpr std::string_view kLabels[] = {"L_DATABASE", "L_SCHEMA", "L_DATASET", "L_STATE",
                                        "L_ACTION"};
constexpr Value kValues[] = {
    {"V_REFRESHES", kEnded},
    {"V_REFRESH_MS", kSeconds, 0.001},
    {"V_LATE", kLate},
};

/// A running refresh has no end yet. The number of tables is unlimited: all count by schema, and
/// only failed ones are named.
constexpr UsageStatement kStatements[] = {
    {.name = "dynamic_tables",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  IFF(STATE LIKE '%FAILED', LOWER(COALESCE(DATABASE_NAME, '') || '.' || COALESCE(SCHEMA_NAME, '') || '.' || COALESCE(NAME, '')), '') AS L_DATASET,
  LOWER(STATE) AS L_STATE, LOWER(COALESCE(REFRESH_ACTION, '')) AS L_ACTION,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REFRESH_END_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REFRESH_END_TIME)), 300) AS B,
  COUNT(*) AS V_REFRESHES,
  COUNT_IF(REFRESH_END_TIME > COMPLETION_TARGET) AS V_LATE,
  SUM(COALESCE(GREATEST(DATEDIFF('millisecond', REFRESH_START_TIME, REFRESH_END_TIME), 0), 0)) AS V_REFRESH_MS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REFRESH_END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.DYNAMIC_TABLE_REFRESH_HISTORY
WHERE REFRESH_END_TIME >= TO_TIMESTAMP_LTZ({lo}) AND REFRESH_END_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5, 6)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kValues},
};

}  // namespace

constinit const Group kRefreshesGroup{"refreshes", hours(3), kStatements, "USAGE_VIEWER"};

constinit const Module kRefreshes = group_module<kRefreshesGroup>(kMetrics);

}  // namespace exporter::snowflake
