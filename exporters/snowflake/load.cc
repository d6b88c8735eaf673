#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kLoadSeconds =
    counter("snowflake_warehouse_load_seconds_total",
            "Time that statements spent in the warehouse by state: running, queued_overload (it "
            "was full), queued_provisioning (it was being started) or blocked (by a lock). Its "
            "rate is the average number of statements in that state.",
            "account", "warehouse", "kind");
constexpr auto kEvents =
    counter("snowflake_warehouse_events_total",
            "Events of the warehouse and its clusters, as Snowflake calls them "
            "(resume_warehouse, suspend_cluster, ...), and why (warehouse_autosuspend, ...).",
            "account", "warehouse", "event", "reason", "state");
constexpr MetricView kMetrics[] = {kLoadSeconds, kEvents};

constexpr std::string_view kByWarehouse[] = {"L_WAREHOUSE"},
                           kByEvent[] = {"L_WAREHOUSE", "L_EVENT", "L_REASON", "L_STATE"};
constexpr Value kLoadValues[] = {
    {"V_RUNNING_SECONDS", kLoadSeconds, 1, "running"},
    {"V_QUEUED_LOAD_SECONDS", kLoadSeconds, 1, "queued_overload"},
    {"V_QUEUED_PROVISIONING_SECONDS", kLoadSeconds, 1, "queued_provisioning"},
    {"V_BLOCKED_SECONDS", kLoadSeconds, 1, "blocked"},
};
constexpr Value kEventValues[] = {{"V_EVENTS", kEvents}};

/// An average over five minutes, times 300 seconds, is a total, and totals can be added.
constexpr UsageStatement kStatements[] = {
    {.name = "warehouse_load",
     .text = R"(SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) AS B,
  SUM(COALESCE(AVG_RUNNING, 0) * DATEDIFF('second', START_TIME, END_TIME)) AS V_RUNNING_SECONDS,
  SUM(COALESCE(AVG_QUEUED_LOAD, 0) * DATEDIFF('second', START_TIME, END_TIME)) AS V_QUEUED_LOAD_SECONDS,
  SUM(COALESCE(AVG_QUEUED_PROVISIONING, 0) * DATEDIFF('second', START_TIME, END_TIME)) AS V_QUEUED_PROVISIONING_SECONDS,
  SUM(COALESCE(AVG_BLOCKED, 0) * DATEDIFF('second', START_TIME, END_TIME)) AS V_BLOCKED_SECONDS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_LOAD_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2)",
     .labels = kByWarehouse,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kLoadValues},
    {.name = "warehouse_events",
     .text = R"(SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE, LOWER(EVENT_NAME) AS L_EVENT,
  LOWER(COALESCE(EVENT_REASON, '')) AS L_REASON, LOWER(EVENT_STATE) AS L_STATE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', "TIMESTAMP")) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', "TIMESTAMP")), 300) AS B,
  COUNT(*) AS V_EVENTS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', "TIMESTAMP"))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_EVENTS_HISTORY
WHERE "TIMESTAMP" >= TO_TIMESTAMP_LTZ({lo}) AND "TIMESTAMP" < TO_TIMESTAMP_LTZ({hi}) AND EVENT_NAME <> 'WAREHOUSE_CONSISTENT'
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kByEvent,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kEventValues},
};

}  // namespace

constinit const Group kLoadGroup{"load", hours(3), kStatements, "USAGE_VIEWER"};

constinit const Module kLoad = group_module<kLoadGroup>(kMetrics);

}  // namespace exporter::snowflake
