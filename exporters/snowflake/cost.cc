#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kWarehouseCredits = counter(
    "snowflake_warehouse_credits_total",
    "Credits of the warehouse by kind: compute, or cloud services before their daily adjustment.",
    "account", "warehouse", "kind");
constexpr auto kAttributed =
    counter("snowflake_warehouse_attributed_credits_total",
            "Compute credits that Snowflake attributes to queries.", "account", "warehouse");
constexpr auto kIdle = counter("snowflake_warehouse_idle_credits_total",
                               "Compute credits consumed while no query ran, for warehouses whose "
                               "credits Snowflake attributes to queries: all but adaptive ones.",
                               "account", "warehouse");
constexpr auto kServiceCredits =
    counter("snowflake_service_credits_total",
            "Credits of the service, as Snowflake calls it (WAREHOUSE_METERING, PIPE, ...).",
            "account", "service", "kind");
constexpr auto kBilled =
    counter("snowflake_billed_credits_total", "Billed credits of the service, by whole days.",
            "account", "service");
constexpr auto kAdjusted = counter("snowflake_adjusted_credits_total",
                                   "Credits for cloud services that are not billed because they "
                                   "are within a tenth of the day's compute credits.",
                                   "account", "service");
constexpr MetricView kMetrics[] = {kWarehouseCredits, kAttributed, kIdle,
                                   kServiceCredits,   kBilled,     kAdjusted};

constexpr std::string_view kByWarehouse[] = {"L_WAREHOUSE"}, kByService[] = {"L_SERVICE"};

constexpr Value kWarehouseValues[] = {
    {"V_CREDITS_COMPUTE", kWarehouseCredits, 1, "compute"},
    {"V_CREDITS_CLOUD_SERVICES", kWarehouseCredits, 1, "cloud_services"},
    {"V_CREDITS_ATTRIBUTED", kAttributed},
    {"V_CREDITS_IDLE", kIdle},
};
constexpr Value kServiceValues[] = {
    {"V_CREDITS_COMPUTE", kServiceCredits, 1, "compute"},
    {"V_CREDITS_CLOUD_SERVICES", kServiceCredits, 1, "cloud_services"},
};
constexpr Value kBilledValues[] = {
    {"V_CREDITS_BILLED", kBilled},
    {"V_CREDITS_ADJUSTED", kAdjusted},
};

constexpr UsageStatement kStatements[] = {
    {.name = "warehouse_credits",
     .text = R"(SELECT COALESCE(WAREHOUSE_NAME, '') AS L_WAREHOUSE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) AS B,
  SUM(COALESCE(CREDITS_USED_COMPUTE, 0)) AS V_CREDITS_COMPUTE,
  SUM(COALESCE(CREDITS_USED_CLOUD_SERVICES, 0)) AS V_CREDITS_CLOUD_SERVICES,
  SUM(COALESCE(CREDITS_ATTRIBUTED_COMPUTE_QUERIES, 0)) AS V_CREDITS_ATTRIBUTED,
  SUM(CASE WHEN CREDITS_ATTRIBUTED_COMPUTE_QUERIES IS NULL THEN 0
           ELSE GREATEST(COALESCE(CREDITS_USED_COMPUTE, 0) - CREDITS_ATTRIBUTED_COMPUTE_QUERIES, 0)
      END) AS V_CREDITS_IDLE,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.WAREHOUSE_METERING_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2)",
     .labels = kByWarehouse,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kWarehouseValues},
    {.name = "service_credits",
     .text = R"(SELECT COALESCE(SERVICE_TYPE, '') AS L_SERVICE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) AS B,
  SUM(COALESCE(CREDITS_USED_COMPUTE, 0)) AS V_CREDITS_COMPUTE,
  SUM(COALESCE(CREDITS_USED_CLOUD_SERVICES, 0)) AS V_CREDITS_CLOUD_SERVICES,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2)",
     .labels = kByService,
     .bucket = hours(1),
     .horizon = hours(36),
     .counters = kServiceValues},
    {.name = "billed_credits",
     .text = R"(SELECT COALESCE(SERVICE_TYPE, '') AS L_SERVICE,
  DATE_PART(EPOCH_SECOND, USAGE_DATE) AS B,
  SUM(GREATEST(COALESCE(CREDITS_BILLED, 0), 0)) AS V_CREDITS_BILLED,
  SUM(GREATEST(-COALESCE(CREDITS_ADJUSTMENT_CLOUD_SERVICES, 0), 0)) AS V_CREDITS_ADJUSTED
FROM SNOWFLAKE.ACCOUNT_USAGE.METERING_DAILY_HISTORY
WHERE USAGE_DATE >= TO_DATE('{lo_date}') AND USAGE_DATE < TO_DATE('{hi_date}')
GROUP BY 1, 2)",
     .labels = kByService,
     .bucket = hours(24),
     .horizon = hours(72),
     .counters = kBilledValues},
};

}  // namespace

constinit const Group kCostGroup{"cost", hours(3), kStatements, "USAGE_VIEWER"};

constinit const Module kCost = group_module<kCostGroup>(kMetrics);

}  // namespace exporter::snowflake
