#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;

constexpr auto kBytes =
    counter("snowflake_transferred_bytes_total",
            "Bytes that left a cloud or a region, by type of transfer (copy, replication, "
            "external_access, ...). An empty cloud or region is unknown.",
            "account", "source_cloud", "source_region", "target_cloud", "target_region", "kind");
constexpr MetricView kMetrics[] = {kBytes};

constexpr std::string_view kLabels[] = {"L_SOURCE_CLOUD", "L_SOURCE_REGION", "L_TARGET_CLOUD",
                                        "L_TARGET_REGION", "L_KIND"};
constexpr Value kValues[] = {{"V_BYTES", kBytes}};

constexpr UsageStatement kStatements[] = {
    {.name = "transfer",
     .text =
         R"(SELECT LOWER(COALESCE(SOURCE_CLOUD, '')) AS L_SOURCE_CLOUD, LOWER(COALESCE(SOURCE_REGION, '')) AS L_SOURCE_REGION,
  LOWER(COALESCE(TARGET_CLOUD, '')) AS L_TARGET_CLOUD, LOWER(COALESCE(TARGET_REGION, '')) AS L_TARGET_REGION,
  LOWER(COALESCE(TRANSFER_TYPE, '')) AS L_KIND,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', START_TIME)), 3600) AS B,
  SUM(COALESCE(BYTES_TRANSFERRED::NUMBER(38, 0), 0)) AS V_BYTES,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', END_TIME))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.DATA_TRANSFER_HISTORY
WHERE START_TIME >= TO_TIMESTAMP_LTZ({lo}) AND START_TIME < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5, 6)",
     .labels = kLabels,
     .bucket = hours(1),
     .horizon = hours(24),
     .counters = kValues},
};

}  // namespace

constinit const Group kTransferGroup{"transfer", hours(2), kStatements, "USAGE_VIEWER"};

constinit const Module kTransfer = group_module<kTransferGroup>(kMetrics);

}  // namespace exporter::snowflake
