#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount = gauge("snowflake_credentials",
                              "Keys, tokens and second factors of users, by kind (keypair, pat, "
                              "totp, ...) and status (active, expired, disabled, ...).",
                              "account", "kind", "status");
constexpr auto kEndless = gauge("snowflake_credentials_without_expiry",
                                "Those of them that never expire.", "account", "kind", "status");
constexpr auto kNext = gauge("snowflake_credential_next_expiry_timestamp_seconds",
                             "When the next of them expires, in seconds since 1970; absent if "
                             "none will.",
                             "account", "kind", "status");
constexpr MetricView kMetrics[] = {kCount, kEndless, kNext};

constexpr std::string_view kLabels[] = {"L_KIND", "L_STATUS"};
constexpr Value kValues[] = {
    {"G_CREDENTIALS", kCount},
    {"G_WITHOUT_EXPIRY", kEndless},
    {"G_NEXT_EXPIRY", kNext},
};

/// Without users, whose number is unlimited: the account's CREDENTIALS name the owners.
constexpr UsageStatement kStatements[] = {
    {.name = "credentials",
     .text = R"(SELECT LOWER(TYPE) AS L_KIND, LOWER(STATUS) AS L_STATUS, COUNT(*) AS G_CREDENTIALS,
  COUNT_IF(EXPIRATION_DATE IS NULL) AS G_WITHOUT_EXPIRY,
  MIN(IFF(EXPIRATION_DATE >= TO_TIMESTAMP_LTZ({hi}), DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EXPIRATION_DATE)), NULL)) AS G_NEXT_EXPIRY
FROM SNOWFLAKE.ACCOUNT_USAGE.CREDENTIALS
GROUP BY 1, 2)",
     .labels = kLabels,
     .gauges = kValues},
};

}  // namespace

constinit const Group kCredentialsGroup{"credentials", std::chrono::hours(6), kStatements,
                                        "SECURITY_VIEWER"};

constinit const Module kCredentials = group_module<kCredentialsGroup>(kMetrics);

}  // namespace exporter::snowflake
