#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kCredits =
    counter("snowflake_clustering_credits_total", "Credits of automatic clustering.", "account",
            "database", "schema");
constexpr auto kBytes =
    counter("snowflake_clustering_bytes_total", "Bytes that automatic clustering rewrote.",
            "account", "database", "schema");
constexpr auto kRows =
    counter("snowflake_clustering_rows_total", "Rows that automatic clustering rewrote.", "account",
            "database", "schema");
constexpr auto kSearch =
    counter("snowflake_search_optimization_credits_total",
            "Credits of the search optimization service.", "account", "database", "schema");
constexpr auto kViews =
    counter("snowflake_materialized_view_credits_total",
            "Credits of the maintenance of materialized views.", "account", "database", "schema");
constexpr MetricView kMetrics[] = {kCredits, kBytes, kRows, kSearch, kViews};

constexpr std::string_view kBySchema[] = {"L_DATABASE", "L_SCHEMA"};
constexpr Value kClusteringValues[] = {
    {"V_CREDITS", kCredits},
    {"V_BYTES", kBytes},
    {"V_ROWS", kRows},
};
constexpr Value kSearchValues[] = {{"V_CREDITS", kSearch}};
constexpr Value kViewValues[] = {{"V_CREDITS", kViews}};

/// By schema, because the number of tables is unlimited. Bundle 2026_06 renames the table's columns
/// in SEARCH_OPTIMIZATION_HISTORY; those of the schema stay.
constexpr UsageStatement kStatements[] = {
    {.name = "clustering",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED, 0)) AS V_CREDITS,
  SUM(COALESCE(NUM_BYTES_RECLUSTERED, 0)) AS V_BYTES,
  SUM(COALESCE(NUM_ROWS_RECLUSTERED, 0)) AS V_ROWS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.AUTOMATIC_CLUSTERING_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3)",
     .labels = kBySchema,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kClusteringValues},
    {.name = "search_optimization",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED, 0)) AS V_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.SEARCH_OPTIMIZATION_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3)",
     .labels = kBySchema,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kSearchValues},
    {.name = "materialized_views",
     .text =
         R"(SELECT COALESCE(DATABASE_NAME, '') AS L_DATABASE, COALESCE(SCHEMA_NAME, '') AS L_SCHEMA,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(CREDITS_USED::FLOAT, 0)) AS V_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.MATERIALIZED_VIEW_REFRESH_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3)",
     .labels = kBySchema,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kViewValues},
};

}  // namespace

constinit const Group kClusteringGroup{"clustering", hours(3), kStatements, "USAGE_VIEWER"};

constinit const Module kClustering = group_module<kClusteringGroup>(kMetrics);

}  // namespace exporter::snowflake
