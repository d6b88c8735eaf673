#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kAttempts =
    counter("snowflake_logins_total",
            "Login attempts by first factor (password, rsa_keypair, ...), second factor (yes, no) "
            "and success (yes, no). client is how the client identifies itself; it is empty for "
            "failed attempts, which could claim anything.",
            "account", "client", "factor", "second_factor", "success");
constexpr auto kErrors =
    counter("snowflake_login_errors_total", "Failed login attempts, by Snowflake's error code.",
            "account", "code");
constexpr MetricView kMetrics[] = {kAttempts, kErrors};

constexpr std::string_view kLabels[] = {"L_CLIENT", "L_FACTOR", "L_SECOND_FACTOR", "L_SUCCESS"},
                           kByCode[] = {"L_CODE"};
constexpr Value kLoginValues[] = {{"V_LOGINS", kAttempts}};
constexpr Value kErrorValues[] = {{"V_FAILED", kErrors}};

constexpr UsageStatement kStatements[] = {
    {.name = "logins",
     .text =
         R"(SELECT IFF(IS_SUCCESS = 'YES', COALESCE(LOWER(REPORTED_CLIENT_TYPE), ''), '') AS L_CLIENT,
  COALESCE(LOWER(FIRST_AUTHENTICATION_FACTOR), '') AS L_FACTOR,
  IFF(SECOND_AUTHENTICATION_FACTOR IS NULL, 'no', 'yes') AS L_SECOND_FACTOR,
  LOWER(IS_SUCCESS) AS L_SUCCESS,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)), 300) AS B,
  COUNT(*) AS V_LOGINS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY
WHERE EVENT_TIMESTAMP >= TO_TIMESTAMP_LTZ({lo}) AND EVENT_TIMESTAMP < TO_TIMESTAMP_LTZ({hi})
GROUP BY 1, 2, 3, 4, 5)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kLoginValues},
    {.name = "login_errors",
     .text = R"(SELECT COALESCE(ERROR_CODE, 0) AS L_CODE,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)), 300) AS B,
  COUNT(*) AS V_FAILED,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY
WHERE EVENT_TIMESTAMP >= TO_TIMESTAMP_LTZ({lo}) AND EVENT_TIMESTAMP < TO_TIMESTAMP_LTZ({hi}) AND IS_SUCCESS = 'NO'
GROUP BY 1, 2)",
     .labels = kByCode,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kErrorValues},
};

}  // namespace

/// Neither users nor addresses: they are personal data, and their number is unlimited.
constinit const Group kLoginsGroup{"logins", hours(2), kStatements, "SECURITY_VIEWER"};

constinit const Module kLogins = group_module<kLoginsGroup>(kMetrics);

}  // namespace exporter::snowflake
