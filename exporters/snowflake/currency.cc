#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kCharged =
    counter("snowflake_charged_currency_total",
            "Charges of the organization's account, in the currency, by usage type (compute, "
            "storage, ...) and service; by whole days, which change until the month is closed.",
            "account", "member", "rating", "service", "currency");
constexpr auto kCredited = counter("snowflake_credited_currency_total",
                                   "Adjustments and rebates subtracted from it, in the currency.",
                                   "account", "member", "rating", "service", "currency");
constexpr auto kRate = gauge("snowflake_rate_currency",
                             "Price of a unit (a credit, a terabyte) of the usage in the "
                             "currency, by the newest rate sheet.",
                             "account", "member", "usage", "service", "currency");
constexpr auto kBalance =
    gauge("snowflake_balance_currency",
          "Remaining balance of the contract, in the currency, at the end of the newest day: free "
          "usage, capacity, rollover; and the amount to be invoiced (on_demand, negative).",
          "account", "contract", "currency", "kind");
constexpr MetricView kMetrics[] = {kCharged, kCredited, kRate, kBalance};

constexpr std::string_view kByCharge[] = {"L_MEMBER", "L_RATING", "L_SERVICE", "L_CURRENCY"},
                           kByUsage[] = {"L_MEMBER", "L_USAGE", "L_SERVICE", "L_CURRENCY"},
                           kByContract[] = {"L_CONTRACT", "L_CURRENCY"};
constexpr Value kChargeValues[] = {{"V_CHARGED", kCharged}, {"V_CREDITED", kCredited}};
constexpr Value kRateValues[] = {{"G_RATE", kRate}};
constexpr Value kBalanceValues[] = {
    {"G_FREE", kBalance, 1, "free"},
    {"G_CAPACITY", kBalance, 1, "capacity"},
    {"G_ON_DEMAND", kBalance, 1, "on_demand"},
    {"G_ROLLOVER", kBalance, 1, "rollover"},
};

/// A month is closed some days after its end; until then its days may change.
constexpr UsageStatement kStatements[] = {
    {.name = "currency",
     .text =
         R"(SELECT COALESCE(ACCOUNT_NAME, '') AS L_MEMBER, COALESCE(RATING_TYPE, '') AS L_RATING, COALESCE(SERVICE_TYPE, '') AS L_SERVICE,
  COALESCE(CURRENCY, '') AS L_CURRENCY,
  DATE_PART(EPOCH_SECOND, USAGE_DATE) AS B,
  SUM(GREATEST(COALESCE(USAGE_IN_CURRENCY, 0), 0)) AS V_CHARGED,
  SUM(GREATEST(-COALESCE(USAGE_IN_CURRENCY, 0), 0)) AS V_CREDITED,
  MAX(DATE_PART(EPOCH_SECOND, USAGE_DATE)) AS NEWEST
FROM SNOWFLAKE.ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY
WHERE USAGE_DATE >= TO_DATE('{lo_date}') AND USAGE_DATE < TO_DATE('{hi_date}')
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kByCharge,
     .bucket = hours(24),
     .horizon = hours(24 * 40),
     .counters = kChargeValues},
    {.name = "rates",
     .text =
         R"(SELECT COALESCE(ACCOUNT_NAME, '') AS L_MEMBER, COALESCE(USAGE_TYPE, '') AS L_USAGE, COALESCE(SERVICE_TYPE, '') AS L_SERVICE,
  COALESCE(CURRENCY, '') AS L_CURRENCY, DATE_PART(EPOCH_SECOND, "DATE") AS DAY, MAX(EFFECTIVE_RATE) AS G_RATE
FROM SNOWFLAKE.ORGANIZATION_USAGE.RATE_SHEET_DAILY
WHERE "DATE" >= TO_DATE('{lo_date}') AND "DATE" < TO_DATE('{hi_date}') AND NOT COALESCE(IS_ADJUSTMENT, FALSE)
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kByUsage,
     .horizon = hours(24 * 7),
     .gauges = kRateValues,
     .has_days = true},
    {.name = "balance",
     .text =
         R"(SELECT COALESCE(CONTRACT_NUMBER, '') AS L_CONTRACT, COALESCE(CURRENCY, '') AS L_CURRENCY,
  DATE_PART(EPOCH_SECOND, "DATE") AS DAY,
  SUM(FREE_USAGE_BALANCE) AS G_FREE, SUM(CAPACITY_BALANCE) AS G_CAPACITY,
  SUM(ON_DEMAND_CONSUMPTION_BALANCE) AS G_ON_DEMAND, SUM(ROLLOVER_BALANCE) AS G_ROLLOVER
FROM SNOWFLAKE.ORGANIZATION_USAGE.REMAINING_BALANCE_DAILY
WHERE "DATE" >= TO_DATE('{lo_date}') AND "DATE" < TO_DATE('{hi_date}')
GROUP BY 1, 2, 3)",
     .labels = kByContract,
     .horizon = hours(24 * 7),
     .gauges = kBalanceValues,
     .has_days = true},
};

}  // namespace

constinit const Group kCurrencyGroup{"currency", hours(12), kStatements,
                                     "ORGANIZATION_BILLING_VIEWER"};

constinit const Module kCurrency = group_module<kCurrencyGroup>(kMetrics);

}  // namespace exporter::snowflake
