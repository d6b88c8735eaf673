#include "exporters/snowflake/attribution.h"

#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"
#include "exporters/snowflake/long_text.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kAttributed = counter(
    "snowflake_attributed_credits_total",
    "Compute credits that Snowflake attributes to statements, by who ran them: tool is dbt (by its "
    "query "
    "comment, tag or results), airflow (a query tag with a dag_id), other (another query tag) or "
    "none; "
    "package and target are dbt's. Without idle time, statements of up to about 100 ms and "
    "adaptive "
    "warehouses: snowflake_warehouse_idle_credits_total has the rest of the bill.",
    "account", "warehouse", "tool", "package", "target", "dag_id");
constexpr auto kStatements =
    counter("snowflake_attributed_statements_total", "Statements that consumed these credits.",
            "account", "warehouse", "tool", "package", "target", "dag_id");
constexpr auto kNode =
    counter("snowflake_dbt_node_credits_total",
            "Compute credits of dbt's nodes; unique_id is the manifest's. The 200 largest are "
            "shown, each from when it became one; unique_id is other for the rest.",
            "account", "warehouse", "target", "unique_id");
constexpr MetricView kMetrics[] = {kAttributed, kStatements, kNode};

constexpr std::string_view kLabels[] = {"L_WAREHOUSE", "L_TOOL",   "L_PACKAGE",
                                        "L_TARGET",    "L_DAG_ID", "L_UNIQUE_ID"};
constexpr Value kValues[] = {
    {"V_CREDITS", kAttributed}, {"V_STATEMENTS", kStatements}, {"V_NODE_CREDITS", kNode}};
constexpr Top kNodes{"L_UNIQUE_ID", 200, "V_NODE_CREDITS"};

/// Until 1.9 dbt put its comment in front of a statement, since then at its end, where the user's
/// own may precede it; a literal that quotes one does not count. If dbt runs no node, the comment
/// from its documentation has the node `internal`. A tag is JSON, or a dictionary as printed by
/// Python.
constexpr UsageStatement kStatementsOf[] = {
    {.name = "attribution",
     .text = R"(WITH STATEMENTS AS (
  SELECT A.QUERY_ID, A.WAREHOUSE_NAME, A.END_TIME, COALESCE(A.CREDITS_ATTRIBUTED_COMPUTE, 0) AS CREDITS,
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
    COALESCE(NULLIF(COMMENT:node_id::VARCHAR, 'internal'), TAGS:node_id::VARCHAR, '') AS NODE_ID,
    COALESCE(COMMENT:target_name::VARCHAR, TAGS:target_name::VARCHAR, '') AS TARGET
  FROM CHOSEN
)
SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  CASE WHEN IS_DBT THEN 'dbt' WHEN DAG_ID <> '' THEN 'airflow' WHEN TAG <> '' THEN 'other' ELSE 'none' END AS L_TOOL,
  IFF(IS_DBT, SPLIT_PART(NODE_ID, '.', 2), '') AS L_PACKAGE,
  IFF(IS_DBT, TARGET, '') AS L_TARGET,
  DAG_ID AS L_DAG_ID,
  IFF(IS_DBT, NODE_ID, '') AS L_UNIQUE_ID,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('HOUR', END_TIME)) AS B,
  COUNT(*) AS V_STATEMENTS,
  SUM(CREDITS) AS V_CREDITS,
  IFF(MAX(IFF(IS_DBT, NODE_ID, '')) = '', NULL, SUM(CREDITS)) AS V_NODE_CREDITS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM {owners}
GROUP BY 1, 2, 3, 4, 5, 6, 7)",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kValues,
     .top = &kNodes},
};

}  // namespace

std::string owners_by(const DbtResults& results) {
  const auto rows = results.rows();
  if (rows.empty()) return "OWNED";
  return R"((
  SELECT O.WAREHOUSE_NAME, O.END_TIME, O.CREDITS, O.TAG, O.DAG_ID,
    IFF(R.QUERY_ID IS NULL, O.IS_DBT, TRUE) AS IS_DBT,
    IFF(R.QUERY_ID IS NULL, O.NODE_ID, R.NODE_ID) AS NODE_ID,
    IFF(R.QUERY_ID IS NULL OR (O.IS_DBT AND O.TARGET <> ''), O.TARGET, R.TARGET) AS TARGET
  FROM OWNED O LEFT JOIN (SELECT COLUMN1 AS QUERY_ID, COLUMN2 AS NODE_ID, COLUMN3 AS TARGET FROM VALUES
    )" + rows +
         R"(
  ) R ON R.QUERY_ID = O.QUERY_ID AND NOT (O.IS_DBT AND O.NODE_ID <> '')
))";
}

/// GOVERNANCE_VIEWER reads both views.
constinit const Group kAttributionGroup{"attribution", hours(6), kStatementsOf,
                                        "GOVERNANCE_VIEWER"};

namespace {

using std::chrono::sys_seconds;

const std::string kResults = "dbt_results.";

/// The group, and dbt's results, which are read before the statement needs them.
class Attribution {
 public:
  explicit Attribution(Account& account)
      : account_(account),
        usage_(account, kAttributionGroup),
        ledger_(account.ledgers->open(ledger_of(kAttributionGroup), account.name,
                                      ledger_options(kAttributionGroup))),
        results_(account.dbt_results) {
    usage_.insert("owners", [this](sys_seconds lo) {
      results_.drop_before(lo - hours(1));  // clocks may differ from Snowflake's
      return owners_by(results_);
    });
  }

  void collect(Samples& samples, const Deadline& deadline) {
    if (!account_.dbt_results.empty()) read_results(deadline);
    usage_.collect(samples, deadline);
  }

 private:
  void read_results(const Deadline& deadline) {
    if (!is_loaded_) {
      auto run = begin(deadline);
      results_.load(long_text(run, kResults));
      run.commit();
      is_loaded_ = true;
    }
    is_stored_ = !results_.read(account_.clock()) && is_stored_;
    if (is_stored_) return;
    auto run = begin(deadline);
    set_long_text(run, kResults, results_.text());
    run.commit();
    is_stored_ = true;
  }

  /// A run that does not compact what is still to be read.
  Ledger::Run begin(const Deadline& deadline) const {
    return ledger_.begin(deadline, account_.clock(), std::chrono::days(7));
  }

  Account& account_;
  Usage usage_;
  const SharedLedger ledger_;
  DbtResults results_;
  bool is_loaded_ = false, is_stored_ = true;
};

constexpr Module attribution_module() {
  auto module = group_module<kAttributionGroup>(kMetrics);
  module.make = make<Attribution, Account>;
  return module;
}

}  // namespace

constinit const Module kAttribution = attribution_module();

}  // namespace exporter::snowflake
