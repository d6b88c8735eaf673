#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kAnomaly =
    gauge("snowflake_cost_anomaly",
          "1 if Snowflake reports the newest day's credits as an anomaly.", "account");
constexpr auto kCredits =
    gauge("snowflake_cost_expected_credits",
          "Credits of the newest day that Snowflake judged: what it expected (forecast), between "
          "which bounds (lower, upper), and what they were (actual).",
          "account", "kind");
constexpr MetricView kMetrics[] = {kAnomaly, kCredits};

constexpr Value kValues[] = {
    {"G_ANOMALY", kAnomaly},
    {"G_ACTUAL", kCredits, 1, "actual"},
    {"G_UPPER", kCredits, 1, "upper"},
    {"G_LOWER", kCredits, 1, "lower"},
    {"G_FORECAST", kCredits, 1, "forecast"},
};

constexpr UsageStatement kStatements[] = {
    {.name = "anomalies",
     .text =
         R"(SELECT DATE_PART(EPOCH_SECOND, "DATE") AS DAY, IFF(IS_ANOMALY, 1, 0) AS G_ANOMALY,
  ACTUAL_VALUE AS G_ACTUAL, UPPER_BOUND AS G_UPPER, LOWER_BOUND AS G_LOWER, FORECASTED_VALUE AS G_FORECAST
FROM SNOWFLAKE.ACCOUNT_USAGE.ANOMALIES_DAILY
WHERE "DATE" >= TO_DATE('{lo_date}') AND "DATE" < TO_DATE('{hi_date}')
QUALIFY ROW_NUMBER() OVER (PARTITION BY "DATE" ORDER BY ANOMALY_ID) = 1)",
     .horizon = hours(24 * 7),
     .gauges = kValues,
     .has_days = true},
};

}  // namespace

constinit const Group kAnomaliesGroup{"anomalies", hours(6), kStatements, "USAGE_VIEWER"};

constinit const Module kAnomalies = group_module<kAnomaliesGroup>(kMetrics);

}  // namespace exporter::snowflake
