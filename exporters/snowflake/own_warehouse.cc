#include "exporters/snowflake/own_warehouse.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "exporters/snowflake/show.h"
#include "exporters/snowflake/warehouse_size.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;

constexpr std::chrono::minutes kPriceLife{1};
constexpr seconds kLateSuspend{60}, kNever = std::chrono::days(1);
constexpr double kLongestSuspend = 1e9;  // seconds

seconds read_seconds(const Yaml& entry, std::string_view key, seconds least, seconds most,
                     seconds otherwise) {
  const auto value = entry.optional(key);
  if (!value) return otherwise;
  const auto duration = std::chrono::floor<seconds>(value->duration());
  if (duration < least || duration > most) {
    value->fail("expected " + format_duration(least) + " to " + format_duration(most));
  }
  return duration;
}

/// The credits of a day must suffice for one statement on an X-Small, or nothing is ever read.
void require_enough(const Yaml& entry, std::string_view key, double credits,
                    const WarehouseOptions& options) {
  constexpr seconds kAutoSuspend{60}, kRounding{1};
  const auto longest =
      static_cast<double>((2 * options.statement_timeout + kAutoSuspend + kRounding).count());
  const double least = longest / 3600 * options.credits_per_hour.value_or(1);
  if (credits == 0 || credits >= least) return;
  entry.fail(std::string(key) + ": expected 0, or at least " + std::to_string(least) +
             ": a statement that needs all of its statement_timeout may take as much");
}

double read_credits(const Yaml& value) {
  const auto credits = value.number();
  if (credits < 0 || credits > 1e6) value.fail("expected 0 to 1000000");
  return credits;
}

Price price_of(const Row& row, const WarehouseOptions& options) {
  Price price;
  const auto credits = options.credits_per_hour ? options.credits_per_hour : credits_per_hour(row);
  if (!credits) {
    throw Error(Reason::config,
                "what warehouse " + options.name + " costs is unknown: give its credits_per_hour");
  }
  price.credits_per_hour = *credits * std::max(1.0, row.number("max_cluster_count").value_or(1));
  const auto suspend = row.number("auto_suspend").value_or(0);
  price.auto_suspend =
      suspend > 0 ? seconds(static_cast<std::int64_t>(std::min(suspend, kLongestSuspend))) : kNever;
  return price;
}

}  // namespace

std::optional<WarehouseOptions> read_warehouse_options(const Yaml& entry) {
  const auto name = entry.optional("warehouse");
  WarehouseOptions options;
  if (const auto cap = entry.optional("credits_per_day"))
    options.credits_per_day = read_credits(*cap);
  if (const auto cap = entry.optional("backfill_credits"))
    options.backfill_credits = read_credits(*cap);
  if (const auto price = entry.optional("credits_per_hour")) {
    options.credits_per_hour = read_credits(*price);
  }
  options.cycle = read_seconds(entry, "cycle", std::chrono::minutes(1), std::chrono::days(1),
                               WarehouseOptions::kCycle);
  options.statement_timeout = read_seconds(entry, "statement_timeout", seconds(1),
                                           std::chrono::hours(1), WarehouseOptions::kTimeout);
  if (!name) return std::nullopt;
  require_enough(entry, "credits_per_day", options.credits_per_day, options);
  require_enough(entry, "backfill_credits", options.backfill_credits, options);
  options.name = name->string();
  return options;
}

OwnWarehouse::OwnWarehouse(WarehouseOptions options, Api& api, std::string account,
                           const SharedLedger& ledger)
    : options_(std::move(options)),
      api_(api),
      account_(std::move(account)),
      spending_(Spending::of(account_, ledger)) {}

Table OwnWarehouse::run(const std::string& name, std::string text, const Deadline& deadline) {
  const auto now_price = price(deadline);
  const auto timeout = options_.statement_timeout;
  // If a reply is lost or is a proxy's, the request is repeated until the deadline, and the last
  // repetition may run for a whole statement timeout.
  auto permit = spending_->enter(options_.credits_per_day, now_price, 2 * timeout, deadline);
  try {
    auto table = api_.run({.name = name, .text = std::move(text), .warehouse = options_.name},
                          deadline.no_later_than(Clock::now() + timeout));
    permit.note_end();
    return table;
  } catch (const StatementFailed&) {
    permit.note_end();
    throw;
  }
}

std::chrono::seconds OwnWarehouse::pace(const Deadline& deadline) {
  return options_.cycle * spending_->stretch(options_.credits_per_day, options_.cycle, deadline);
}

void OwnWarehouse::add_cost_to(Samples& samples, const Deadline& deadline) {
  spending_->add_to(options_.credits_per_day, samples, deadline);
}

/// Asked once in each cycle, by SHOW, which is free, because the warehouse's size may change.
Price OwnWarehouse::price(const Deadline& deadline) {
  const auto flight =
      asking_.enter(deadline, "another collector asks for the size of warehouse " + options_.name);
  const auto now = spending_->now();
  if (price_ && now >= price_at_ && now < price_at_ + kPriceLife) return *price_;
  const auto table = api_.run(
      {.name = std::string(kShowWarehouses.name), .text = std::string(kShowWarehouses.text)},
      deadline.no_later_than(Clock::now() + options_.statement_timeout));
  Samples none;
  std::optional<Price> found;
  table.each_row(none, [&](const Row& row) {
    if (row.need_text("name") == options_.name) found = price_of(row, options_);
  });
  if (!found) {
    throw Error(Reason::auth, "warehouse " + options_.name +
                                  ": it does not exist (names are case-sensitive), or the role has "
                                  "no privilege on it (USAGE)");
  }
  if (found->auto_suspend > kLateSuspend &&
      (!price_ || price_->auto_suspend != found->auto_suspend)) {
    log::warn("the warehouse suspends late, and is billed until then: 60 s is the minimum",
              {{"account", account_},
               {"warehouse", options_.name},
               {"auto_suspend", std::to_string(found->auto_suspend.count()) + "s"}});
  }
  price_ = found;
  price_at_ = now;
  return *price_;
}

}  // namespace exporter::snowflake
