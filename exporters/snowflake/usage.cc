#include "exporters/snowflake/usage.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/snowflake/long_text.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;

constexpr seconds kMostCatchUp = std::chrono::days(7);
const std::string kAttempt = "attempt", kReadUpTo = "read_up_to.", kNewest = "newest.",
                  kLargest = "largest.", kTimeouts = "timeouts.", kNotBefore = "not_before.";
const std::string kGauges = "gauges.";
constexpr int kMostTimeouts = 3;  // in a row: each may use the warehouse for its whole time

std::chrono::sys_seconds next_day(std::chrono::sys_seconds now) {
  return std::chrono::floor<std::chrono::days>(now) + std::chrono::days(1);
}

/// The members of a Top are in the ledger; changes are committed with the rest of the run.
Shown decide_shown(Ledger::Run& run, const UsageStatement& statement, const Table& table,
                   std::chrono::sys_seconds now) {
  Shown shown;
  if (statement.top == nullptr) return shown;
  for (const auto& [per, amounts] : amounts_of(*statement.top, table)) {
    const auto key = kLargest + std::string(statement.name) + (per.empty() ? "" : '.' + per);
    auto& largest = shown.try_emplace(per, statement.top->most).first->second;
    largest.load(run.metadata(key));
    largest.decide(amounts, now);
    run.set_metadata(key, largest.text());
  }
  return shown;
}

}  // namespace

void require_usable(const Account& account, const Group& group) {
  const auto fail = [&](const std::string& what) {
    throw Error(Reason::config, "account " + account.name + ": the collector " +
                                    std::string(group.name) + " needs " + what);
  };
  if (!account.warehouse) fail("a warehouse (`warehouse` of the account, or --account.warehouse)");
  const auto needed = group.needed_insert;
  if (!needed.empty() && !account.inserts.contains(needed)) fail(std::string(needed));
}

Usage::Usage(Account& account, const Group& group)
    : account_(account),
      group_(group),
      ledger_(account.ledgers->open(ledger_of(group), account.name, ledger_options(group))) {
  require_usable(account, group);
}

void Usage::collect(Samples& samples, const Deadline& deadline) {
  load(deadline);
  const auto now = account_.clock();
  go_back_if_ahead(now, deadline);
  if (is_due(now, deadline)) {
    failure_.reset();
    for (const auto& statement : group_.statements) {
      try {
        read(statement, now, samples, deadline);
      } catch (const Error& error) {
        if (error.reason() == Reason::cancelled) throw;
        note_failure(statement, error, now, deadline);
      }
    }
  }
  publish_read_times();
  add_to(samples);
  if (failure_) samples.set_failure(*failure_);
}

void Usage::load(const Deadline& deadline) {
  if (is_loaded_) return;
  auto run = ledger_.begin(deadline, account_.clock(), kMostCatchUp);
  const auto number = [&](const std::string& key) {
    return parse_number<double>(run.metadata(key)).value_or(0);
  };
  attempt_ = Time(seconds(static_cast<std::int64_t>(number(kAttempt))));
  for (const auto& statement : group_.statements) {
    const std::string name(statement.name);
    auto& known = known_[statement.name];
    known.read_up_to = Time(seconds(static_cast<std::int64_t>(number(kReadUpTo + name))));
    known.newest = number(kNewest + name);
    known.timeouts = static_cast<int>(number(kTimeouts + name));
    known.not_before = Time(seconds(static_cast<std::int64_t>(number(kNotBefore + name))));
    if (const auto text = long_text(run, kGauges + name + '.'); !text.empty()) {
      known.gauges.load(statement, text);
      known.has_gauges = true;
    }
  }
  run.commit();
  is_loaded_ = true;
}

/// If the clock was ahead, what Snowflake has recorded since the newest counted row is read again.
void Usage::go_back_if_ahead(Time now, const Deadline& deadline) {
  const auto latest = std::chrono::floor<seconds>(now + Ledger::kMaxAhead);
  if (attempt_ > latest) attempt_ = {};
  for (auto& [name, known] : known_) {
    known.not_before = std::min(known.not_before, next_day(now));
    if (known.read_up_to <= latest) continue;
    const auto newest = ledger_.begin(deadline, now).newest();
    known.read_up_to = std::chrono::floor<seconds>(newest);
  }
}

/// Reading one statement must not compact what a failing one has not read for long.
Ledger::Run Usage::begin(const Deadline& deadline) const {
  const auto now = account_.clock();
  seconds behind{};
  for (const auto& statement : group_.statements) {
    const auto& known = known_.at(statement.name);
    if (statement.bucket.count() == 0 || known.read_up_to == Time()) continue;
    behind = std::max(behind, now - known.read_up_to);
  }
  return ledger_.begin(deadline, now, std::min(behind, kMostCatchUp));
}

/// Due at whole multiples of the interval, in cycles, so that all groups that are due share one
/// resumption of the warehouse. The last attempt is stored, so that a restart does not resume it
/// again. Gauges that were never read are read in the next cycle.
bool Usage::is_due(Time now, const Deadline& deadline) {
  const auto cycle = account_.warehouse->pace(deadline);
  const bool lacks_gauges =
      std::any_of(group_.statements.begin(), group_.statements.end(), [&](const auto& statement) {
        return !statement.gauges.empty() && !known_.at(statement.name).has_gauges;
      });
  const auto pace = lacks_gauges ? cycle : std::max(group_.pace, cycle);
  const auto step = (pace + cycle - seconds(1)) / cycle * cycle;
  if (now.time_since_epoch() / step <= attempt_.time_since_epoch() / step) return false;
  auto run = begin(deadline);
  run.set_metadata(kAttempt, std::to_string(now.time_since_epoch().count()));
  run.commit();
  attempt_ = now;
  return true;
}

void Usage::read(const UsageStatement& statement, Time now, Samples& samples,
                 const Deadline& deadline) {
  auto& known = known_[statement.name];
  if (now < known.not_before) {
    throw Error(Reason::timeout, std::string(statement.name) +
                                     ": it is not read today, because it took too long " +
                                     std::to_string(known.timeouts) + " times in a row");
  }
  auto lo = now - statement.horizon;
  if (statement.bucket.count() > 0) {
    if (known.read_up_to != Time())
      lo = std::max(known.read_up_to, now - kMostCatchUp) - statement.horizon;
    lo = floor_to(lo, statement.bucket);
  }
  auto inserts = account_.inserts;
  for (const auto& [name, insert] : inserts_) inserts[name] = insert(lo);
  const auto table = account_.warehouse->run(std::string(statement.name),
                                             text_of(statement, lo, now, inserts), deadline);
  require_columns(statement, table);
  if (statement.bucket.count() > 0) {
    count(statement, table, lo, now, samples, deadline);
  } else {
    take_gauges(statement, table, now, samples, deadline);
  }
  known.read_up_to = now;
  known.off.clear();
  if (std::exchange(known.timeouts, 0) > 0) store_timeouts(statement, deadline);
}

/// Statements that only cost credits are not sent again until the next day (UTC), also after a
/// restart.
void Usage::note_failure(const UsageStatement& statement, const Error& error, Time now,
                         const Deadline& deadline) {
  // Without its not_before, until which the known values would otherwise leave the page.
  if (!failure_) failure_ = Error(error.reason(), error.what());
  auto& known = known_[statement.name];
  known.off = now < known.not_before ? "timeout" : "";
  if (now < known.not_before) return;
  if (dynamic_cast<const CreditsSpent*>(&error) != nullptr) known.off = "credits";
  if (dynamic_cast<const StatementFailed*>(&error) != nullptr && error.reason() == Reason::auth) {
    known.off = "privilege";
  }
  if (error.reason() != Reason::timeout) return;
  if (++known.timeouts >= kMostTimeouts) {
    known.off = "timeout";
    known.not_before = next_day(now);
  }
  store_timeouts(statement, deadline);
}

void Usage::store_timeouts(const UsageStatement& statement, const Deadline& deadline) const {
  const std::string name(statement.name);
  const auto& known = known_.at(statement.name);
  auto run = begin(deadline);
  run.set_metadata(kTimeouts + name, std::to_string(known.timeouts));
  run.set_metadata(kNotBefore + name, std::to_string(known.not_before.time_since_epoch().count()));
  run.commit();
}

/// Rows of the window that did not come back are removed: a row with a new label value was counted
/// in another series.
void Usage::count(const UsageStatement& statement, const Table& table, Time lo, Time hi,
                  Samples& samples, const Deadline& deadline) {
  const auto families = families_of(statement);
  auto& known = known_[statement.name];
  const auto latest = static_cast<double>((hi + Ledger::kMaxAhead).time_since_epoch().count());
  double newest = 0;
  auto run = begin(deadline);
  const auto shown = decide_shown(run, statement, table, hi);
  run.replace_window(lo, hi, families);
  table.each_row(samples, [&](const Row& row) {
    count_row(run, account_.name, statement, row, shown);
    if (const auto at = row.number("newest").value_or(0); at <= latest)
      newest = std::max(newest, at);
  });
  const std::string name(statement.name);
  run.set_metadata(kReadUpTo + name, std::to_string(hi.time_since_epoch().count()));
  run.set_metadata(kNewest + name, std::to_string(std::max(newest, known.newest)));
  run.commit();
  known.newest = std::max(newest, known.newest);
}

/// Gauges are stored, so that a restart neither loses them nor reads them again.
void Usage::take_gauges(const UsageStatement& statement, const Table& table, Time now,
                        Samples& samples, const Deadline& deadline) {
  Gauges gauges;
  double newest = 0;
  table.each_row(samples, [&](const Row& row) {
    gauges.take(account_.name, statement, row);
    newest = std::max({newest, row.number("newest").value_or(0), row.number("day").value_or(0)});
  });
  const std::string name(statement.name);
  auto run = begin(deadline);
  set_long_text(run, kGauges + name + '.', gauges.text());
  run.set_metadata(kReadUpTo + name, std::to_string(now.time_since_epoch().count()));
  run.set_metadata(kNewest + name, std::to_string(newest));
  run.commit();
  auto& known = known_[statement.name];
  known.gauges = std::move(gauges);
  known.has_gauges = true;
  known.newest = newest;
}

void Usage::publish_read_times() const {
  for (const auto& [name, known] : known_) {
    account_.read_times.set(std::string(name), known.read_up_to, known.newest, known.off);
  }
}

void Usage::add_to(Samples& samples) const {
  for (const auto& statement : group_.statements) {
    known_.at(statement.name).gauges.add_to(samples);
    add_counted(*ledger_, statement, samples);
  }
}

}  // namespace exporter::snowflake
