#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kGroupRefreshes =
    counter("snowflake_replication_refreshes_total",
            "Finished refreshes of secondary groups by state (completed, failed, canceled).",
            "account", "group", "outcome");
constexpr auto kSeconds = counter("snowflake_replication_refresh_seconds_total",
                                  "Time of the refreshes of the group.", "account", "group");
constexpr auto kCredits = counter("snowflake_replication_credits_total",
                                  "Credits of the replication of the group.", "account", "group");
constexpr auto kBytes =
    counter("snowflake_replication_bytes_total", "Bytes that the replication of the group moved.",
            "account", "group");
constexpr auto kSnapshot =
    gauge("snowflake_replication_snapshot_timestamp_seconds",
          "Time of the primary's state that the group has, in seconds since 1970, for groups that "
          "were refreshed in the last 14 days. The view is late by up to three hours.",
          "account", "group");
constexpr MetricView kMetrics[] = {kGroupRefreshes, kSeconds, kCredits, kBytes, kSnapshot};

constexpr std::string_view kByOutcome[] = {"L_GROUP", "L_OUTCOME"}, kByGroup[] = {"L_GROUP"};
constexpr Value kRefreshValues[] = {{"V_REFRESHES", kGroupRefreshes}, {"V_SECONDS", kSeconds}};
constexpr Value kUsageValues[] = {{"V_CREDITS", kCredits}, {"V_BYTES", kBytes}};
constexpr Value kSnapshotValues[] = {{"G_SNAPSHOT", kSnapshot}};

/// The views have rows only in the target account.
constexpr UsageStatement kStatements[] = {
    {.name = "replication_refreshes",
     .text =
         R"(SELECT COALESCE(REPLICATION_GROUP_NAME, '') AS L_GROUP, LOWER(PHASE_NAME) AS L_OUTCOME,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME)), 300) AS B,
  COUNT(*) AS V_REFRESHES,
  SUM(GREATEST(DATEDIFF('second', START_TIME, END_TIME), 0)) AS V_SECONDS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.REPLICATION_GROUP_REFRESH_HISTORY
WHERE END_TIME >= TO_TIMESTAMP_LTZ({lo}) AND END_TIME < TO_TIMESTAMP_LTZ({hi}) AND PHASE_NAME IN ('COMPLETED', 'FAILED', 'CANCELED')
GROUP BY 1, 2, 3)",
     .labels = kByOutcome,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kRefreshValues},
    {.name = "replication_usage",
     .text = R"(SELECT COALESCE(REPLICATION_GROUP_NAME, '') AS L_GROUP,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED, 0)) AS V_CREDITS,
  SUM(COALESCE(BYTES_TRANSFERRED, 0)) AS V_BYTES,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.REPLICATION_GROUP_USAGE_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2)",
     .labels = kByGroup,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kUsageValues},
    {.name = "replication_lag",
     .text = R"(SELECT COALESCE(REPLICATION_GROUP_NAME, '') AS L_GROUP,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', PRIMARY_SNAPSHOT_TIMESTAMP))) AS G_SNAPSHOT
FROM SNOWFLAKE.ACCOUNT_USAGE.REPLICATION_GROUP_REFRESH_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND PHASE_NAME = 'COMPLETED'
GROUP BY 1)",
     .labels = kByGroup,
     .horizon = hours(24 * 14),
     .gauges = kSnapshotValues},
};

}  // namespace

constinit const Group kReplicationGroup{"replication", hours(3), kStatements, "USAGE_VIEWER"};

constinit const Module kReplication = group_module<kReplicationGroup>(kMetrics);

}  // namespace exporter::snowflake
