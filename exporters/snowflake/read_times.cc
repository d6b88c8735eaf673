#include "exporters/snowflake/read_times.h"

#include "exporters/snowflake/account.h"

namespace exporter::snowflake {
namespace {

constexpr MetricView kMetrics[] = {kDataTimestamp, kReadTimestamp, kOff};

void collect(Account& account, Samples& samples, const Deadline&) {
  account.read_times.add_to(samples, account.name);
}

}  // namespace

void ReadTimes::set(const std::string& statement, std::chrono::sys_seconds read_up_to,
                    double newest, const std::string& off) {
  const std::lock_guard lock(mutex_);
  times_[statement] = {static_cast<double>(read_up_to.time_since_epoch().count()), newest, off};
}

void ReadTimes::add_to(Samples& samples, const std::string& account) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [statement, times] : times_) {
    if (times.read_up_to > 0) samples.add(kReadTimestamp, times.read_up_to, account, statement);
    if (times.newest > 0) samples.add(kDataTimestamp, times.newest, account, statement);
    if (!times.off.empty()) samples.add(kOff, 1, account, statement, times.off);
  }
}

constinit const Module kReadTimes{
    .name = "read_times",
    .enabled = Module::Default::on,
    .metrics = kMetrics,
    .flags = {},
    .make = run<collect>,
    .schedule = Every{std::chrono::seconds(30), std::chrono::minutes(1)},
    .says_up = false};

}  // namespace exporter::snowflake
