#include "exporters/snowflake/account.h"

namespace exporter::snowflake {
namespace {

/// Adds nothing if no warehouse is used.
void collect(Account& account, Samples& samples, const Deadline& deadline) {
  if (!account.warehouse) return;
  account.warehouse->add_cost_to(samples, deadline);
  const auto cycle = account.warehouse->pace(deadline);
  samples.add(kOwnCycle, static_cast<double>(cycle.count()), account.name);
}

}  // namespace

constinit const Module kOwnCost{
    .name = "own_cost",
    .enabled = Module::Default::on,
    .metrics = kOwnMetrics,
    .flags = {},
    .make = run<collect>,
    .schedule = Every{std::chrono::seconds(30), std::chrono::minutes(1)},
    .says_up = false};

}  // namespace exporter::snowflake
