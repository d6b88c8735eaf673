#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount = gauge("snowflake_resource_monitors",
                              "Resource monitors visible to the role. 0 may also mean that it "
                              "lacks the privilege to see them.",
                              "account");
constexpr auto kInfo = info("snowflake_resource_monitor_info",
                            "The level that the monitor is assigned to, `account` or `warehouse`, "
                            "empty if unassigned; and how often its quota resets.",
                            "account", "resource_monitor", "level", "frequency");
constexpr auto kQuota = gauge("snowflake_resource_monitor_quota_credits",
                              "Quota of the monitor in credits.", "account", "resource_monitor");
constexpr auto kUsed =
    gauge("snowflake_resource_monitor_used_credits", "Credits used since the quota was last reset.",
          "account", "resource_monitor");
constexpr auto kSuspends =
    gauge("snowflake_resource_monitor_suspend_ratio",
          "Ratio of the quota at which warehouses are suspended, the lower of suspend and suspend "
          "immediately; absent if the monitor does not suspend.",
          "account", "resource_monitor");
constexpr auto kStart =
    gauge("snowflake_resource_monitor_period_start_timestamp_seconds",
          "Time of the quota's last reset, in seconds since 1970.", "account", "resource_monitor");
constexpr MetricView kMetrics[] = {kCount, kInfo, kQuota, kUsed, kSuspends, kStart};

/// "90%" or "90" is 0.9.
std::optional<double> ratio(const Row& row, std::string_view column) {
  const auto text = row.text(column);
  if (!text) return std::nullopt;
  std::string_view number = trim(*text);
  if (number.ends_with('%')) number.remove_suffix(1);
  const auto percent = parse_number<double>(trim(number));
  return percent ? std::optional(*percent / 100) : std::nullopt;
}

void add(Samples& samples, const std::string& account, const Row& row) {
  const auto name = row.need_text("name");
  const auto quota = row.number("credit_quota"), used = row.number("used_credits");
  const auto start = row.time("start_time");
  const auto level = to_lower(row.text("level").value_or(""));
  const auto frequency = to_lower(row.text("frequency").value_or(""));
  auto suspends = ratio(row, "suspend_at");
  const auto at_once = ratio(row, "suspend_immediately_at");
  if (at_once && (!suspends || *at_once < *suspends)) suspends = at_once;
  samples.add(kInfo, 1, account, name, level, frequency);
  if (quota) samples.add(kQuota, *quota, account, name);
  if (used) samples.add(kUsed, *used, account, name);
  if (suspends) samples.add(kSuspends, *suspends, account, name);
  if (start) samples.add(kStart, seconds_of(*start), account, name);
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowResourceMonitors, samples, deadline,
                         [&](const Row& row) { add(samples, account.name, row); });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kResourceMonitors{"resource_monitors",
                                         Module::Default::on,
                                         kMetrics,
                                         {},
                                         run<collect>,
                                         Every{std::chrono::minutes(1), std::chrono::minutes(5)},
                                         std::chrono::seconds(30)};

}  // namespace exporter::snowflake
