#include <limits>
#include <optional>
#include <string>

#include "common/base/text.h"
#include "exporters/snowflake/show.h"
#include "exporters/snowflake/warehouse_size.h"

namespace exporter::snowflake {
namespace {

constexpr auto kCount =
    gauge("snowflake_warehouses",
          "Warehouses visible to the role. 0 may mean that it lacks privileges.", "account");
constexpr auto kInfo = info("snowflake_warehouse_info", "Information about the warehouse.",
                            "account", "warehouse", "size", "type", "resource_monitor");
constexpr auto kState = gauge("snowflake_warehouse_state",
                              "1 for the state of the warehouse: started, suspended, resuming, "
                              "resizing; enabled or disabled for an adaptive one.",
                              "account", "warehouse", "state");
constexpr auto kClusters =
    gauge("snowflake_warehouse_started_clusters", "Running clusters.", "account", "warehouse");
constexpr auto kMostClusters = gauge("snowflake_warehouse_max_clusters",
                                     "Maximum number of clusters.", "account", "warehouse");
constexpr auto kRunning =
    gauge("snowflake_warehouse_running_queries", "Running statements.", "account", "warehouse");
constexpr auto kQueued = gauge("snowflake_warehouse_queued_queries",
                               "Statements that wait for the warehouse.", "account", "warehouse");
constexpr auto kAutoSuspend =
    gauge("snowflake_warehouse_auto_suspend_seconds",
          "Idle time after which the warehouse is suspended; +Inf if it never is.", "account",
          "warehouse");
constexpr auto kResumed =
    gauge("snowflake_warehouse_last_resumed_timestamp_seconds",
          "When the warehouse was last resumed, in seconds since 1970.", "account", "warehouse");
constexpr auto kRate =
    gauge("snowflake_warehouse_credits_per_hour",
          "Credits that the running clusters consume per hour, by the price of their size; 0 while "
          "none runs. For the second generation 1.35 times the first, as on AWS and GCP. Absent "
          "for an adaptive warehouse, which has no size.",
          "account", "warehouse");
constexpr MetricView kMetrics[] = {kCount,   kInfo,   kState,       kClusters, kMostClusters,
                                   kRunning, kQueued, kAutoSuspend, kResumed,  kRate};

void add(Samples& samples, const std::string& account, const Row& row) {
  const auto name = row.need_text("name");
  const auto size = row.text("size").value_or(""), type = row.text("type").value_or("");
  const auto monitor = row.text("resource_monitor").value_or("");
  const auto state = to_lower(row.need_text("state"));
  const auto clusters = row.number("started_clusters");
  const auto most = row.number("max_cluster_count");
  const auto running = row.number("running"), queued = row.number("queued");
  const auto auto_suspend = row.number("auto_suspend");
  const auto resumed = row.time("resumed_on");
  const auto rate = credits_per_hour(row);
  samples.add(kInfo, 1, account, name, size, type, monitor);
  samples.add(kState, 1, account, name, state);
  if (clusters) samples.add(kClusters, *clusters, account, name);
  if (most) samples.add(kMostClusters, *most, account, name);
  if (running) samples.add(kRunning, *running, account, name);
  if (queued) samples.add(kQueued, *queued, account, name);
  if (!size.empty()) {  // an adaptive one has no size, and is not suspended
    const bool never = !auto_suspend || *auto_suspend == 0;
    samples.add(kAutoSuspend, never ? std::numeric_limits<double>::infinity() : *auto_suspend,
                account, name);
  }
  if (resumed) samples.add(kResumed, seconds_of(*resumed), account, name);
  if (rate) {
    samples.add(kRate, *rate * clusters.value_or(state == "suspended" ? 0 : 1), account, name);
  }
}

void collect(Account& account, Samples& samples, const Deadline& deadline) {
  const auto seen = show(account, kShowWarehouses, samples, deadline,
                         [&](const Row& row) { add(samples, account.name, row); });
  samples.add(kCount, static_cast<double>(seen), account.name);
}

}  // namespace

constinit const Module kWarehouses{"warehouses",
                                   Module::Default::on,
                                   kMetrics,
                                   {},
                                   run<collect>,
                                   Every{std::chrono::minutes(1), std::chrono::minutes(5)},
                                   std::chrono::seconds(30)};

}  // namespace exporter::snowflake
