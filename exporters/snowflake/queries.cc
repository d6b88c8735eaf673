#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kQueryCount =
    counter("snowflake_queries_total",
            "Finished statements by class (select, dml, ddl, files, session, call, other) and "
            "status (success, fail, incident, cancelled).",
            "account", "warehouse", "class", "status");
constexpr auto kDuration = histogram("snowflake_query_duration_seconds",
                                     "Time from when the statement was submitted until it ended.",
                                     "account", "warehouse", "class");
constexpr auto kPhases =
    counter("snowflake_query_phase_seconds_total",
            "Time of statements by phase: compilation, execution, or waiting for a warehouse that "
            "was full (queued_overload), being started (queued_provisioning) or repaired "
            "(queued_repair), or for a lock (blocked).",
            "account", "warehouse", "phase");
constexpr auto kBytes =
    counter("snowflake_query_bytes_total",
            "Bytes that statements scanned, wrote, and spilled to the disks of the warehouse "
            "(spilled_local) or, when these were full, to remote storage (spilled_remote).",
            "account", "warehouse", "kind");
constexpr auto kScanned = counter("snowflake_query_partitions_scanned_total",
                                  "Micro-partitions that statements read.", "account", "warehouse");
constexpr auto kPartitions =
    counter("snowflake_query_partitions_total",
            "Micro-partitions of the tables that statements read; those not scanned were pruned.",
            "account", "warehouse");
constexpr auto kCloud =
    counter("snowflake_query_cloud_services_credits_total",
            "Credits for cloud services that statements consumed, before their daily adjustment.",
            "account", "warehouse");
constexpr MetricView kMetrics[] = {kQueryCount, kDuration,   kPhases, kBytes,
                                   kScanned,    kPartitions, kCloud};

constexpr std::string_view kLabels[] = {"L_WAREHOUSE", "L_CLASS", "L_STATUS"};
constexpr double kMillisecond = 0.001;

constexpr Value kValues[] = {
    {"V_QUERIES", kQueryCount},
    {"V_COMPILATION_MS", kPhases, kMillisecond, "compilation"},
    {"V_EXECUTION_MS", kPhases, kMillisecond, "execution"},
    {"V_QUEUED_OVERLOAD_MS", kPhases, kMillisecond, "queued_overload"},
    {"V_QUEUED_PROVISIONING_MS", kPhases, kMillisecond, "queued_provisioning"},
    {"V_QUEUED_REPAIR_MS", kPhases, kMillisecond, "queued_repair"},
    {"V_BLOCKED_MS", kPhases, kMillisecond, "blocked"},
    {"V_BYTES_SCANNED", kBytes, 1, "scanned"},
    {"V_BYTES_WRITTEN", kBytes, 1, "written"},
    {"V_BYTES_SPILLED_LOCAL", kBytes, 1, "spilled_local"},
    {"V_BYTES_SPILLED_REMOTE", kBytes, 1, "spilled_remote"},
    {"V_PARTITIONS_SCANNED", kScanned},
    {"V_PARTITIONS_TOTAL", kPartitions},
    {"V_CREDITS_CLOUD_SERVICES", kCloud},
};

constexpr double kBounds[] = {0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200};
constexpr std::string_view kBoundColumns[] = {"LE_0_1", "LE_0_5", "LE_1",    "LE_5",   "LE_15",
                                              "LE_60",  "LE_300", "LE_1800", "LE_7200"};
constexpr Buckets kHistograms[] = {
    {kDuration, kBounds, kBoundColumns, "V_QUERIES", "V_ELAPSED_MS", kMillisecond}};

/// By the end of a statement: one that ran ten hours is then no later than its view.
constexpr UsageStatement kStatements[] = {
    {.name = "queries",
     .text = R"(SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  CASE WHEN QUERY_TYPE = 'SELECT' THEN 'select'
       WHEN QUERY_TYPE IN ('INSERT', 'UPDATE', 'DELETE', 'MERGE', 'MULTI_TABLE_INSERT', 'TRUNCATE_TABLE') THEN 'dml'
       WHEN QUERY_TYPE IN ('COPY', 'UNLOAD', 'PUT_FILES', 'GET_FILES', 'REMOVE_FILES', 'LIST_FILES') THEN 'files'
       WHEN QUERY_TYPE LIKE 'CREATE%' OR QUERY_TYPE LIKE 'ALTER%' OR QUERY_TYPE LIKE 'DROP%' THEN 'ddl'
       WHEN QUERY_TYPE IN ('SHOW', 'DESCRIBE', 'USE', 'SET', 'UNSET') THEN 'session'
       WHEN QUERY_TYPE = 'CALL' THEN 'call'
       ELSE 'other' END AS L_CLASS,
  CASE WHEN ERROR_MESSAGE = 'SQL execution canceled' THEN 'cancelled' ELSE LOWER(EXECUTION_STATUS) END AS L_STATUS,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME)), 300) AS B,
  COUNT(*) AS V_QUERIES,
  SUM(COALESCE(TOTAL_ELAPSED_TIME, 0)) AS V_ELAPSED_MS,
  SUM(COALESCE(COMPILATION_TIME, 0)) AS V_COMPILATION_MS,
  SUM(COALESCE(EXECUTION_TIME, 0)) AS V_EXECUTION_MS,
  SUM(COALESCE(QUEUED_OVERLOAD_TIME, 0)) AS V_QUEUED_OVERLOAD_MS,
  SUM(COALESCE(QUEUED_PROVISIONING_TIME, 0)) AS V_QUEUED_PROVISIONING_MS,
  SUM(COALESCE(QUEUED_REPAIR_TIME, 0)) AS V_QUEUED_REPAIR_MS,
  SUM(COALESCE(TRANSACTION_BLOCKED_TIME, 0)) AS V_BLOCKED_MS,
  SUM(COALESCE(BYTES_SCANNED, 0)) AS V_BYTES_SCANNED,
  SUM(COALESCE(BYTES_WRITTEN, 0)) AS V_BYTES_WRITTEN,
  SUM(COALESCE(BYTES_SPILLED_TO_LOCAL_STORAGE, 0)) AS V_BYTES_SPILLED_LOCAL,
  SUM(COALESCE(BYTES_SPILLED_TO_REMOTE_STORAGE, 0)) AS V_BYTES_SPILLED_REMOTE,
  SUM(COALESCE(PARTITIONS_SCANNED, 0)) AS V_PARTITIONS_SCANNED,
  SUM(COALESCE(PARTITIONS_TOTAL, 0)) AS V_PARTITIONS_TOTAL,
  SUM(COALESCE(CREDITS_USED_CLOUD_SERVICES, 0)) AS V_CREDITS_CLOUD_SERVICES,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 100) AS LE_0_1,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 500) AS LE_0_5,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 1000) AS LE_1,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 5000) AS LE_5,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 15000) AS LE_15,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 60000) AS LE_60,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 300000) AS LE_300,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 1800000) AS LE_1800,
  COUNT_IF(TOTAL_ELAPSED_TIME <= 7200000) AS LE_7200,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY
WHERE END_TIME >= TO_TIMESTAMP_LTZ({lo}) AND END_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(6),
     .counters = kValues,
     .histograms = kHistograms},
};

}  // namespace

constinit const Group kQueriesGroup{"queries", minutes(45), kStatements, "GOVERNANCE_VIEWER"};

constinit const Module kQueries = group_module<kQueriesGroup>(kMetrics);

}  // namespace exporter::snowflake
