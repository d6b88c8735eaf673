#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/interval.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount =
    gauge("snowflake_dynamic_tables",
          "Dynamic tables visible to the role, 10000 at most. 0 may mean that it lacks privileges.",
          "account");
constexpr auto kTarget = gauge("snowflake_dynamic_table_target_lag_seconds",
                               "Target lag of the table; absent if the table is refreshed for "
                               "downstream tables or only manually.",
                               "account", "dataset");
constexpr auto kData =
    gauge("snowflake_dynamic_table_data_timestamp_seconds",
          "Time up to which the table has the changes of its sources, in seconds since 1970; its "
          "lag is the time since. Absent without the privilege MONITOR.",
          "account", "dataset");
constexpr auto kSuspended = gauge("snowflake_dynamic_table_suspended",
                                  "1 if the table is not refreshed.", "account", "dataset");
constexpr auto kInfo =
    info("snowflake_dynamic_table_info", "Information about the table's refreshes.", "account",
         "dataset", "warehouse", "refresh_mode");
constexpr MetricView kMetrics[] = {kCount, kTarget, kData, kSuspended, kInfo};

void add(Samples& samples, const std::string& account, const Row& row) {
  const auto dataset = dataset_of(row);
  const auto target = row.text("target_lag");
  const auto data = row.time("data_timestamp");
  const auto state = row.text("scheduling_state");
  const auto warehouse = row.text("warehouse").value_or("");
  const auto mode = to_lower(row.text("refresh_mode").value_or(""));
  samples.add(kInfo, 1, account, dataset, warehouse, mode);
  if (target) {
    if (const auto lag = parse_interval(*target)) {
      samples.add(kTarget, static_cast<double>(lag->count()), account, dataset);
    }
  }
  if (data) samples.add(kData, seconds_of(*data), account, dataset);
  if (state) samples.add(kSuspended, *state == "SUSPENDED" ? 1 : 0, account, dataset);
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowDynamicTables, samples, deadline,
                         [&](const Row& row) { add(samples, account.name, row); });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kDynamicTables{"dynamic_tables",
                                      Module::Default::on,
                                      kMetrics,
                                      {},
                                      run<collect>,
                                      Every{std::chrono::minutes(5), std::chrono::minutes(15)},
                                      std::chrono::minutes(1)};

}  // namespace exporter::snowflake
