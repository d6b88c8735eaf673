#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/single_flight.h"
#include "common/config/yaml.h"
#include "common/ledger/ledgers.h"
#include "exporters/snowflake/api.h"
#include "exporters/snowflake/spending.h"

namespace exporter::snowflake {

/// The configuration of the warehouse that runs this exporter's statements.
struct WarehouseOptions {
  static constexpr double kCreditsPerDay = 0.5, kBackfillCredits = 1;
  static constexpr std::chrono::seconds kCycle = std::chrono::minutes(45), kTimeout{60};

  std::string name;                            ///< as SHOW prints it
  double credits_per_day = kCreditsPerDay;     ///< 0: no cap
  double backfill_credits = kBackfillCredits;  ///< the same for reading the past
  std::chrono::seconds cycle = kCycle;         ///< between two resumptions
  std::chrono::seconds statement_timeout = kTimeout;
  std::optional<double> credits_per_hour;  ///< if it does not follow from the size
};

/// Reads `warehouse`, `credits_per_day`, `backfill_credits`, `cycle`, `statement_timeout`,
/// `credits_per_hour` of an account; nothing without a warehouse. Throws Error{config}.
std::optional<WarehouseOptions> read_warehouse_options(const Yaml& entry);

/// The warehouse that runs the statements that need one, within its cap. Thread-safe.
class OwnWarehouse {
 public:
  OwnWarehouse(WarehouseOptions options, Api& api, std::string account, const SharedLedger& ledger);

  const WarehouseOptions& options() const { return options_; }

  /// Runs a statement, for `statement_timeout` at most. Throws what Api::run() and
  /// Spending::enter() do, and Error{auth} if the role cannot see the warehouse.
  Table run(const std::string& name, std::string text, const Deadline& deadline);

  /// The time from one resumption to the next: the cycle, or a multiple of it if the day's credits
  /// would not last.
  std::chrono::seconds pace(const Deadline& deadline);

  /// Adds what its statements have cost, and the cap.
  void add_cost_to(Samples& samples, const Deadline& deadline);

  Spending& spending() { return *spending_; }

  /// Its current price, for which it asks `statement_timeout` at most. Throws as run().
  Price price(const Deadline& deadline);

 private:
  const WarehouseOptions options_;
  Api& api_;
  const std::string account_;
  const std::shared_ptr<Spending> spending_;
  SingleFlight asking_;  ///< of what follows
  std::optional<Price> price_;
  Spending::Time price_at_{};
};

}  // namespace exporter::snowflake
