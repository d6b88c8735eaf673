#include "exporters/snowflake/account.h"

namespace exporter::snowflake {
namespace {

/// Nothing where no warehouse is used.
void collect(Account& account, Samples& samples, const Deadline& deadline) {
  if (account.warehouse) account.warehouse->spending().add_to(samples, deadline);
}

}  // namespace

constinit const Module kOwnCost{"own_cost",
                                Module::Default::on,
                                kOwnMetrics,
                                {},
                                run<collect>,
                                Every{std::chrono::seconds(30), std::chrono::minutes(1)},
                                std::chrono::seconds(10)};

}  // namespace exporter::snowflake
