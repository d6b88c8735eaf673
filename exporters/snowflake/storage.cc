#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kAccount =
    gauge("snowflake_storage_bytes",
          "Bytes that the account stores, averaged over the newest day: tables including time "
          "travel (table), stages, fail-safe, hybrid tables.",
          "account", "kind");
constexpr auto kDatabase = gauge(
    "snowflake_database_storage_bytes",
    "Bytes of the database, averaged over its newest day: tables including time travel (table), "
    "and fail-safe. Those of dropped databases are added up under an empty database.",
    "account", "database", "kind");
constexpr auto kSchema = gauge(
    "snowflake_schema_storage_bytes",
    "Bytes of the schema's tables now: existing tables (active), retained dropped ones (dropped), "
    "time travel, fail-safe, and data that only clones use (clone). Those of dropped "
    "schemas and databases are added up under an empty database and schema.",
    "account", "database", "schema", "kind");
constexpr MetricView kMetrics[] = {kAccount, kDatabase, kSchema};

constexpr std::string_view kByDatabase[] = {"L_DATABASE"}, kBySchema[] = {"L_DATABASE", "L_SCHEMA"};
constexpr Value kAccountValues[] = {
    {"G_TABLE_BYTES", kAccount, 1, "table"},
    {"G_STAGE_BYTES", kAccount, 1, "stage"},
    {"G_FAILSAFE_BYTES", kAccount, 1, "failsafe"},
    {"G_HYBRID_BYTES", kAccount, 1, "hybrid"},
};
constexpr Value kDatabaseValues[] = {
    {"G_BYTES", kDatabase, 1, "table"},
    {"G_FAILSAFE_BYTES", kDatabase, 1, "failsafe"},
};
constexpr Value kSchemaValues[] = {
    {"G_ACTIVE_BYTES", kSchema, 1, "active"},
    {"G_DROPPED_BYTES", kSchema, 1, "dropped"},
    {"G_TIME_TRAVEL_BYTES", kSchema, 1, "time_travel"},
    {"G_FAILSAFE_BYTES", kSchema, 1, "failsafe"},
    {"G_CLONE_BYTES", kSchema, 1, "clone"},
};

/// Databases and schemas that are created for a test and dropped would each leave series until
/// fail-safe releases their bytes: they share one series.
constexpr UsageStatement kStatements[] = {
    {.name = "storage",
     .text = R"(SELECT DATE_PART(EPOCH_SECOND, USAGE_DATE) AS DAY,
  STORAGE_BYTES AS G_TABLE_BYTES, STAGE_BYTES AS G_STAGE_BYTES,
  FAILSAFE_BYTES AS G_FAILSAFE_BYTES, HYBRID_TABLE_STORAGE_BYTES AS G_HYBRID_BYTES
FROM SNOWFLAKE.ACCOUNT_USAGE.STORAGE_USAGE
WHERE USAGE_DATE >= TO_DATE('{lo_date}') AND USAGE_DATE < TO_DATE('{hi_date}'))",
     .horizon = hours(72),
     .gauges = kAccountValues,
     .has_days = true},
    {.name = "database_storage",
     .text =
         R"(SELECT IFF(DELETED IS NULL, COALESCE(DATABASE_NAME, ''), '') AS L_DATABASE,
  DATE_PART(EPOCH_SECOND, USAGE_DATE) AS DAY,
  SUM(COALESCE(AVERAGE_DATABASE_BYTES, 0)) AS G_BYTES, SUM(COALESCE(AVERAGE_FAILSAFE_BYTES, 0)) AS G_FAILSAFE_BYTES
FROM SNOWFLAKE.ACCOUNT_USAGE.DATABASE_STORAGE_USAGE_HISTORY
WHERE USAGE_DATE >= TO_DATE('{lo_date}') AND USAGE_DATE < TO_DATE('{hi_date}')
GROUP BY 1, 2)",
     .labels = kByDatabase,
     .horizon = hours(72),
     .gauges = kDatabaseValues,
     .has_days = true},
    {.name = "table_storage",
     .text =
         R"(SELECT IFF(SCHEMA_DROPPED IS NULL AND CATALOG_DROPPED IS NULL, COALESCE(TABLE_CATALOG, ''), '') AS L_DATABASE,
  IFF(SCHEMA_DROPPED IS NULL AND CATALOG_DROPPED IS NULL, COALESCE(TABLE_SCHEMA, ''), '') AS L_SCHEMA,
  SUM(IFF(TABLE_DROPPED IS NULL AND TABLE_ENTERED_FAILSAFE IS NULL, COALESCE(ACTIVE_BYTES, 0), 0)) AS G_ACTIVE_BYTES,
  SUM(IFF(TABLE_DROPPED IS NULL AND TABLE_ENTERED_FAILSAFE IS NULL, 0, COALESCE(ACTIVE_BYTES, 0))) AS G_DROPPED_BYTES,
  SUM(COALESCE(TIME_TRAVEL_BYTES, 0)) AS G_TIME_TRAVEL_BYTES,
  SUM(COALESCE(FAILSAFE_BYTES, 0)) AS G_FAILSAFE_BYTES,
  SUM(COALESCE(RETAINED_FOR_CLONE_BYTES, 0)) AS G_CLONE_BYTES
FROM SNOWFLAKE.ACCOUNT_USAGE.TABLE_STORAGE_METRICS
WHERE ACTIVE_BYTES > 0 OR TIME_TRAVEL_BYTES > 0 OR FAILSAFE_BYTES > 0 OR RETAINED_FOR_CLONE_BYTES > 0
GROUP BY 1, 2)",
     .labels = kBySchema,
     .gauges = kSchemaValues},
};

}  // namespace

/// A day appears in the views some hours after its end at midnight: it is there at noon.
constinit const Group kStorageGroup{"storage", hours(12), kStatements, "USAGE_VIEWER"};

constinit const Module kStorage = group_module<kStorageGroup>(kMetrics);

}  // namespace exporter::snowflake
