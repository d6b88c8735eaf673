#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kCredits =
    counter("snowflake_database_replication_credits_total",
            "Credits of the replication of a database that is in no replication group.", "account",
            "database");
constexpr auto kBytes =
    counter("snowflake_database_replication_bytes_total",
            "Bytes that the replication of a database that is in no replication group moved.",
            "account", "database");
constexpr MetricView kMetrics[] = {kCredits, kBytes};

constexpr std::string_view kByDatabase[] = {"L_DATABASE"};
constexpr Value kValues[] = {{"V_CREDITS", kCredits}, {"V_BYTES", kBytes}};

constexpr UsageStatement kStatements[] = {
    {.name = "database_replication",
     .text = R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED, 0)) AS V_CREDITS,
  SUM(COALESCE(BYTES_TRANSFERRED, 0)) AS V_BYTES,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.DATABASE_REPLICATION_USAGE_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2)",
     .labels = kByDatabase,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kValues},
};

}  // namespace

constinit const Group kDatabaseReplicationGroup{"database_replication", hours(3), kStatements,
                                                kImportedPrivileges};

constinit const Module kDatabaseReplication = group_module<kDatabaseReplicationGroup>(kMetrics);

}  // namespace exporter::snowflake
