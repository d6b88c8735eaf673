#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

constexpr auto kTables =
    gauge("snowflake_schema_tables", "Permanent and transient tables of the schema.", "account",
          "database", "schema");
constexpr auto kRows =
    gauge("snowflake_schema_rows", "Rows of the schema's tables.", "account", "database", "schema");
constexpr auto kNewest =
    gauge("snowflake_schema_newest_change_timestamp_seconds",
          "When a table of the schema last changed, in seconds since 1970: its rows, its "
          "definition, or by Snowflake's maintenance. Its data may be older, never newer.",
          "account", "database", "schema");
constexpr auto kOldest =
    gauge("snowflake_schema_oldest_change_timestamp_seconds",
          "When the schema's longest unchanged table last changed, in seconds since 1970.",
          "account", "database", "schema");
constexpr MetricView kMetrics[] = {kTables, kRows, kNewest, kOldest};

constexpr std::string_view kBySchema[] = {"L_DATABASE", "L_SCHEMA"};
constexpr Value kValues[] = {
    {"G_TABLES", kTables},
    {"G_ROWS", kRows},
    {"G_NEWEST_ALTERED", kNewest},
    {"G_OLDEST_ALTERED", kOldest},
};

constexpr UsageStatement kStatements[] = {
    {.name = "freshness",
     .text =
         R"(SELECT COALESCE(TABLE_CATALOG, '') AS L_DATABASE, COALESCE(TABLE_SCHEMA, '') AS L_SCHEMA,
  COUNT(*) AS G_TABLES,
  SUM(COALESCE(ROW_COUNT, 0)) AS G_ROWS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', LAST_ALTERED))) AS G_NEWEST_ALTERED,
  MIN(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', LAST_ALTERED))) AS G_OLDEST_ALTERED
FROM SNOWFLAKE.ACCOUNT_USAGE.TABLES
WHERE DELETED IS NULL AND TABLE_TYPE = 'BASE TABLE'
GROUP BY 1, 2)",
     .labels = kBySchema,
     .gauges = kValues},
};

}  // namespace

constinit const Group kFreshnessGroup{"freshness", std::chrono::minutes(90), kStatements,
                                      "OBJECT_VIEWER"};

constinit const Module kFreshness = group_module<kFreshnessGroup>(kMetrics);

}  // namespace exporter::snowflake
