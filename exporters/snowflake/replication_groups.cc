#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/interval.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount =
    gauge("snowflake_replication_groups",
          "Replication and failover groups visible to the role, of this account and those linked "
          "with it. 0 may mean that it lacks privileges.",
          "account");
constexpr auto kInfo =
    info("snowflake_replication_group_info",
         "Information about the group: its type, replication or failover, and its primary.",
         "account", "member", "group", "type", "primary");
constexpr auto kInterval =
    gauge("snowflake_replication_group_schedule_seconds",
          "How often the secondary group is refreshed; absent without such a schedule.", "account",
          "member", "group");
constexpr auto kNext =
    gauge("snowflake_replication_group_next_refresh_timestamp_seconds",
          "When the next refresh of the secondary group is due, in seconds since 1970.", "account",
          "member", "group");
constexpr auto kSuspended = gauge("snowflake_replication_group_suspended",
                                  "1 if the scheduled refresh of the secondary group is suspended.",
                                  "account", "member", "group");
constexpr MetricView kMetrics[] = {kCount, kInfo, kInterval, kNext, kSuspended};

/// A group is listed once for each account that it is in, its `member`.
void add(Samples& samples, const std::string& account, const Row& row) {
  const auto name = row.need_text("name");
  const auto member = row.text("account_name").value_or("");
  const auto type = to_lower(row.text("type").value_or(""));
  const auto primary = row.text("primary").value_or("");
  const auto schedule = row.text("replication_schedule"), state = row.text("secondary_state");
  const auto next = row.time("next_scheduled_refresh");
  const auto is_primary = row.flag("is_primary");
  samples.add(kInfo, 1, account, member, name, type, primary);
  if (is_primary.value_or(false)) return;
  if (schedule) {
    if (const auto every = parse_interval(*schedule)) {
      samples.add(kInterval, static_cast<double>(every->count()), account, member, name);
    }
  }
  if (next) samples.add(kNext, seconds_of(*next), account, member, name);
  if (state) {
    samples.add(kSuspended, to_lower(*state) == "suspended" ? 1 : 0, account, member, name);
  }
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowReplicationGroups, samples, deadline,
                         [&](const Row& row) { add(samples, account.name, row); });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kReplicationGroups{"replication_groups",
                                          Module::Default::on,
                                          kMetrics,
                                          {},
                                          run<collect>,
                                          Every{std::chrono::minutes(5), std::chrono::minutes(15)},
                                          std::chrono::seconds(30)};

}  // namespace exporter::snowflake
