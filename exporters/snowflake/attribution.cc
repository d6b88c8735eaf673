#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kAttributed = counter(
    "snowflake_attributed_credits_total",
    "Compute credits that Snowflake lays on statements, by who ran them: tool is dbt (by its query "
    "comment or tag), airflow (a query tag with a dag_id), other (another query tag) or none; "
    "package and target are dbt's. Without idle time, statements of up to about 100 ms and "
    "adaptive "
    "warehouses: snowflake_warehouse_idle_credits_total has the rest of the bill.",
    "account", "warehouse", "tool", "package", "target", "dag_id");
constexpr auto kStatements =
    counter("snowflake_attributed_statements_total", "Statements that these credits are of.",
            "account", "warehouse", "tool", "package", "target", "dag_id");
constexpr auto kNode = counter(
    "snowflake_dbt_node_credits_total",
    "Compute credits of dbt's nodes; unique_id is the manifest's. The 200 largest are shown, each "
    "from when it became one; unique_id is other of the rest.",
    "account", "warehouse", "target", "unique_id");
constexpr MetricView kMetrics[] = {kAttributed, kStatements, kNode};

constexpr std::string_view kLabels[] = {"L_WAREHOUSE", "L_TOOL",   "L_PACKAGE",
                                        "L_TARGET",    "L_DAG_ID", "L_UNIQUE_ID"};
constexpr Value kValues[] = {
    {"V_CREDITS", kAttributed}, {"V_STATEMENTS", kStatements}, {"V_NODE_CREDITS", kNode}};
constexpr Top kNodes{"L_UNIQUE_ID", 200, "V_NODE_CREDITS"};

/// dbt writes its comment in front of a statement until 1.9 and at its end since, where the user's
/// own may be in front; a literal that quotes one is neither. Where dbt runs no node, the comment
/// that its documentation shows has the node `internal`. A tag is JSON, or what Python prints of a
/// dictionary.
constexpr UsageStatement kStatementsOf[] = {
    {.name = "attribution",
     .text = R"(WITH STATEMENTS AS (
  SELECT A.WAREHOUSE_NAME, A.END_TIME, COALESCE(A.CREDITS_ATTRIBUTED_COMPUTE, 0) AS CREDITS,
    COALESCE(A.QUERY_TAG, '') AS TAG,
    COALESCE(TRY_PARSE_JSON(A.QUERY_TAG), TRY_PARSE_JSON(REPLACE(A.QUERY_TAG, '''', '"'))) AS TAGS,
    CASE WHEN LTRIM(H.QUERY_TEXT) LIKE '/* {"%' THEN SPLIT_PART(SPLIT_PART(H.QUERY_TEXT, '/* {"', 2), '*/', 1) END AS IN_FRONT,
    SPLIT_PART(H.QUERY_TEXT, '/* {"', -1) AS LAST_PART
  FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_ATTRIBUTION_HISTORY A
  LEFT JOIN SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY H ON H.QUERY_ID = A.QUERY_ID
    AND H.END_TIME >= DATEADD('DAY', -1, TO_TIMESTAMP_LTZ({lo})) AND H.END_TIME < DATEADD('DAY', 1, TO_TIMESTAMP_LTZ({hi}))
  WHERE A.END_TIME >= TO_TIMESTAMP_LTZ({lo}) AND A.END_TIME < TO_TIMESTAMP_LTZ({hi})
), COMMENTED AS (
  SELECT *, TRY_PARSE_JSON('{"' || IN_FRONT) AS FIRST_COMMENT,
    CASE WHEN TRIM(REPLACE(REPLACE(REPLACE(SUBSTR(LAST_PART, POSITION('*/', LAST_PART)), ';', ''), CHR(10), ''), CHR(13), '')) = '*/'
           THEN TRY_PARSE_JSON('{"' || SPLIT_PART(LAST_PART, '*/', 1)) END AS LAST_COMMENT
  FROM STATEMENTS
), CHOSEN AS (
  SELECT *, IFF(LAST_COMMENT:app::VARCHAR = 'dbt', LAST_COMMENT, COALESCE(FIRST_COMMENT, LAST_COMMENT)) AS COMMENT
  FROM COMMENTED
), OWNED AS (
  SELECT *, COALESCE(COMMENT:dag_id::VARCHAR, TAGS:dag_id::VARCHAR, '') AS DAG_ID,
    COALESCE(COMMENT:app::VARCHAR, TAGS:app::VARCHAR, '') = 'dbt' AS IS_DBT,
    COALESCE(NULLIF(COMMENT:node_id::VARCHAR, 'internal'), TAGS:node_id::VARCHAR, '') AS NODE_ID
  FROM CHOSEN
)
SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  CASE WHEN IS_DBT THEN 'dbt' WHEN DAG_ID <> '' THEN 'airflow' WHEN TAG <> '' THEN 'other' ELSE 'none' END AS L_TOOL,
  IFF(IS_DBT, SPLIT_PART(NODE_ID, '.', 2), '') AS L_PACKAGE,
  IFF(IS_DBT, COALESCE(COMMENT:target_name::VARCHAR, TAGS:target_name::VARCHAR, ''), '') AS L_TARGET,
  DAG_ID AS L_DAG_ID,
  IFF(IS_DBT, NODE_ID, '') AS L_UNIQUE_ID,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('HOUR', END_TIME)) AS B,
  COUNT(*) AS V_STATEMENTS,
  SUM(CREDITS) AS V_CREDITS,
  IFF(MAX(IFF(IS_DBT, NODE_ID, '')) = '', NULL, SUM(CREDITS)) AS V_NODE_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM OWNED
GROUP BY 1, 2, 3, 4, 5, 6, 7)",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kValues,
     .top = &kNodes},
};

}  // namespace

/// GOVERNANCE_VIEWER reads both views.
constinit const Group kAttributionGroup{"attribution", hours(6), kStatementsOf,
                                        "GOVERNANCE_VIEWER"};

constinit const Module kAttribution = group_module<kAttributionGroup>(kMetrics);

}  // namespace exporter::snowflake
