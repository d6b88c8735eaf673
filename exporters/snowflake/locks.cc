#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kWaits =
    counter("snowflake_lock_waits_total",
            "Statements that waited for a lock, by locked object (table, partition, row, stream).",
            "account", "database", "kind");
constexpr auto kSeconds =
    counter("snowflake_lock_wait_seconds_total",
            "Time that they waited, of those that got the lock.", "account", "database", "kind");
constexpr MetricView kMetrics[] = {kWaits, kSeconds};

constexpr std::string_view kLabels[] = {"L_DATABASE", "L_KIND"};
constexpr Value kValues[] = {{"V_WAITS", kWaits}, {"V_WAIT_MS", kSeconds, 0.001}};

/// The time at which a lock was acquired is added to the row later, as a correction.
constexpr UsageStatement kStatements[] = {
    {.name = "locks",
     .text = R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, LOWER(LOCK_TYPE) AS L_KIND,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REQUESTED_AT)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REQUESTED_AT)), 300) AS B,
  COUNT(*) AS V_WAITS,
  SUM(COALESCE(GREATEST(DATEDIFF('millisecond', REQUESTED_AT, ACQUIRED_AT), 0), 0)) AS V_WAIT_MS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', REQUESTED_AT))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.LOCK_WAIT_HISTORY
WHERE REQUESTED_AT >= TO_TIMESTAMP_LTZ({lo}) AND REQUESTED_AT < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(24),
     .counters = kValues},
};

}  // namespace

constinit const Group kLocksGroup{"locks", hours(3), kStatements, kImportedPrivileges};

constinit const Module kLocks = group_module<kLocksGroup>(kMetrics);

}  // namespace exporter::snowflake
