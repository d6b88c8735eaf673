#include <array>
#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

constexpr auto kTaskCount = gauge(
    "snowflake_tasks",
    "Tasks visible to the role by state: started, suspended, or suspended_by_errors (by Snowflake, "
    "after too many failures); 10000 at most in all. 0 may mean that it lacks privileges.",
    "account", "state");
constexpr auto kSuspendedAt = gauge("snowflake_task_suspended_by_errors_timestamp_seconds",
                                    "When the task was suspended after too many failures, in "
                                    "seconds since 1970; only for suspended tasks.",
                                    "account", "database", "schema", "task");
constexpr MetricView kMetrics[] = {kTaskCount, kSuspendedAt};

enum State : std::size_t { kStarted, kSuspended, kByErrors };
constexpr std::array<std::string_view, 3> kStates = {"started", "suspended", "suspended_by_errors"};

State state_of(const Row& row) {
  if (to_lower(row.need_text("state")) == "started") return kStarted;
  return row.text("last_suspended_reason") == "SUSPENDED_DUE_TO_ERRORS" ? kByErrors : kSuspended;
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  std::array<double, kStates.size()> counts{};
  show(account, kShowTasks, samples, deadline, [&](const Row& row) {
    const auto state = state_of(row);
    const auto database = row.need_text("database_name"), schema = row.need_text("schema_name"),
               task = row.need_text("name");
    const auto since = row.time("last_suspended_on");
    ++counts[state];
    if (state != kByErrors) return;
    samples.add(kSuspendedAt, since ? seconds_of(*since) : 0, account.name, database, schema, task);
  });
  for (std::size_t i = 0; i < counts.size(); ++i) {
    samples.add(kTaskCount, counts[i], account.name, kStates[i]);
  }
}

}  // namespace

constinit const Module kTasks{"tasks",
                              Module::Default::on,
                              kMetrics,
                              {},
                              run<collect>,
                              Every{std::chrono::minutes(5), std::chrono::minutes(15)},
                              std::chrono::minutes(1)};

}  // namespace exporter::snowflake
