#include "exporters/snowflake/group_module.h"
#include "exporters/snowflake/groups.h"

namespace exporter::snowflake {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr auto kFailed =
    counter("snowflake_user_login_failures_total",
            "Failed login attempts by user. The 100 with the most are shown, each from when it "
            "became one; user is other for the rest, and empty if Snowflake knows none.",
            "account", "user");
constexpr auto kPassword =
    counter("snowflake_user_password_logins_total",
            "Logins with a password and no second factor, by user. The 100 with the most are "
            "shown, each from when it became one; user is other for the rest.",
            "account", "user");
constexpr MetricView kMetrics[] = {kFailed, kPassword};

constexpr std::string_view kLabels[] = {"L_USER"};
constexpr Value kFailedValues[] = {{"V_FAILED", kFailed}};
constexpr Value kPasswordValues[] = {{"V_LOGINS", kPassword}};
constexpr Top kMostFailed{"L_USER", 100, "V_FAILED"}, kMostLogins{"L_USER", 100, "V_LOGINS"};

/// Two lists, because the users with the most of one may not have the most of the other.
constexpr UsageStatement kStatements[] = {
    {.name = "login_users",
     .text = R"(SELECT COALESCE(USER_NAME, '') AS L_USER,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)), 300) AS B,
  COUNT(*) AS V_FAILED,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY
WHERE EVENT_TIMESTAMP >= TO_TIMESTAMP_LTZ({lo}) AND EVENT_TIMESTAMP < TO_TIMESTAMP_LTZ({hi}) AND IS_SUCCESS = 'NO'
GROUP BY 1, 2)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kFailedValues,
     .top = &kMostFailed},
    {.name = "login_passwords",
     .text = R"(SELECT COALESCE(USER_NAME, '') AS L_USER,
  DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)) - MOD(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP)), 300) AS B,
  COUNT(*) AS V_LOGINS,
  MAX(DATE_PART(EPOCH_SECOND, DATE_TRUNC('SECOND', EVENT_TIMESTAMP))) AS NEWEST
FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY
WHERE EVENT_TIMESTAMP >= TO_TIMESTAMP_LTZ({lo}) AND EVENT_TIMESTAMP < TO_TIMESTAMP_LTZ({hi}) AND IS_SUCCESS = 'YES'
  AND LOWER(FIRST_AUTHENTICATION_FACTOR) = 'password' AND SECOND_AUTHENTICATION_FACTOR IS NULL
GROUP BY 1, 2)",
     .labels = kLabels,
     .bucket = minutes(5),
     .horizon = hours(12),
     .counters = kPasswordValues,
     .top = &kMostLogins},
};

}  // namespace

/// Names of users become labels, so this is separate from `logins` and must be enabled explicitly.
constinit const Group kLoginUsersGroup{"login_users", hours(2), kStatements, "SECURITY_VIEWER"};

constinit const Module kLoginUsers = group_module<kLoginUsersGroup>(kMetrics);

}  // namespace exporter::snowflake
