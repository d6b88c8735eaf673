#include "exporters/snowflake/past.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "exporters/snowflake/usage.h"

namespace exporter::snowflake {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using std::chrono::sys_seconds;

/// Maximum number of buckets per series in one statement, because its table is held in memory.
constexpr int kBucketsOfWindow = 720;
constexpr seconds kLongestWindow = days(366);

/// The length of the interval that a row summarizes.
seconds bucket_of(const UsageStatement& statement) {
  return statement.has_days ? seconds(days(1)) : statement.bucket;
}

sys_seconds ceil_to(sys_seconds time, seconds step) {
  return floor_to(time + step - seconds(1), step);
}

}  // namespace

class Past::Part {
 public:
  /// Up to the end of the bucket that contains `to`, if that is over at `now`.
  Part(Account& account, const UsageStatement& statement, const PastRange& range, Time to, Time now)
      : account_(account),
        statement_(statement),
        bucket_(bucket_of(statement)),
        window_(std::min(kLongestWindow, kBucketsOfWindow * bucket_)),
        end_(std::min(ceil_to(to, bucket_), floor_to(now, bucket_))),
        counting_(floor_to(range.from, bucket_), range.step) {}

  void read(Time until, TimedSamples& page, const Deadline& deadline);

 private:
  using Rows = std::multimap<Time, Row>;  ///< by the time from which they are shown

  Table fetch(Time until, Time& hi, const Deadline& deadline);
  Rows rows_of(const Table& table, Time hi) const;
  void count(Ledger::Run& run, Rows& rows, Time by) const;
  void show_days(const Rows& rows, Time at, Samples& samples) const;
  void warn(const std::string& error) const {
    log::warn("a row is left out", {{"account", account_.name}, {"error", error}});
  }
  /// A row that cannot be read is left out.
  template <class Take>
  void or_warn(const Take& take) const {
    try {
      take();
    } catch (const Error& error) {
      if (error.reason() != Reason::decode) throw;
      warn(error.what());
    }
  }
  void show(const Ledger& ledger, Time at, Samples& samples) const {
    add_counted(ledger, statement_, samples);
    samples.add(kReadTimestamp, static_cast<double>(at.time_since_epoch().count()), account_.name,
                statement_.name);
  }

  Account& account_;
  const UsageStatement& statement_;
  const seconds bucket_;
  seconds window_;  ///< for one statement
  const Time end_;
  PastCounting counting_;
  Shown shown_;
  bool has_ended_ = false;
};

void Past::Part::read(Time until, TimedSamples& page, const Deadline& deadline) {
  until = std::min(until, end_);
  while (counting_.at() < until) {
    Time hi;
    const auto table = fetch(until, hi, deadline);
    require_columns(statement_, table);
    if (statement_.top != nullptr) {
      for (const auto& [per, amounts] : amounts_of(*statement_.top, table)) {
        shown_.try_emplace(per, statement_.top->most).first->second.decide(amounts, counting_.at());
      }
    }
    auto rows = rows_of(table, hi);
    counting_.advance(
        hi, [&](Ledger::Run& run, Time by) { count(run, rows, by); },
        [&](const Ledger& ledger, Time at, Samples& samples) {
          show_days(rows, at, samples);
          show(ledger, at, samples);
        },
        page, deadline);
  }
  if (counting_.at() < end_ || std::exchange(has_ended_, true)) return;
  counting_.end([&](const Ledger& ledger, Time at, Samples& samples) { show(ledger, at, samples); },
                page);
}

/// If it takes too long, tries half of the window.
Table Past::Part::fetch(Time until, Time& hi, const Deadline& deadline) {
  const auto at = counting_.at();
  const auto lo = statement_.has_days ? at - statement_.horizon : at;
  for (;;) {
    hi = std::min(at + window_, until);
    try {
      return account_.past_warehouse->run(std::string(statement_.name),
                                          text_of(statement_, lo, hi, account_.inserts), deadline);
    } catch (const StatementFailed& error) {
      if (error.reason() != Reason::timeout || hi - at <= bucket_) throw;
      window_ = std::max(bucket_, (hi - at) / 2 / bucket_ * bucket_);
    }
  }
}

/// A bucket or a day is shown from its end on.
Past::Part::Rows Past::Part::rows_of(const Table& table, Time hi) const {
  Rows rows;
  Samples malformed;
  table.each_row(malformed, [&](const Row& row) {
    const auto end = row.need_seconds(statement_.has_days ? "day" : "b") + bucket_;
    rows.emplace(statement_.has_days ? end : std::min(end, hi), row);
  });
  if (!malformed.first_malformed_row().empty()) warn(malformed.first_malformed_row());
  return rows;
}

void Past::Part::count(Ledger::Run& run, Rows& rows, Time by) const {
  if (statement_.has_days) return;
  const auto last = rows.upper_bound(by);
  for (auto row = rows.begin(); row != last; ++row) {
    or_warn([&] { count_row(run, account_.name, statement_, row->second, shown_); });
  }
  rows.erase(rows.begin(), last);
}

void Past::Part::show_days(const Rows& rows, Time at, Samples& samples) const {
  if (!statement_.has_days) return;
  Gauges gauges;
  const auto last = rows.upper_bound(at);
  for (auto row = rows.upper_bound(at - statement_.horizon); row != last; ++row) {
    or_warn([&] { gauges.take(account_.name, statement_, row->second); });
  }
  gauges.add_to(samples);
}

Past::Past(Account& account, const Group& group, const PastRange& range) {
  require_usable(account, group);
  const auto ledger = account.ledgers->open(ledger_of(group), account.name, ledger_options(group));
  const auto figures = ledger->figures();
  const auto now = account.clock();
  auto to = figures ? std::chrono::ceil<seconds>(figures->started) : now;
  if (range.to) to = std::min(to, *range.to);
  for (const auto& statement : group.statements) {
    if (statement.bucket.count() == 0 && !statement.has_days) continue;
    const auto complete = to + statement.horizon;
    if (statement.bucket.count() > 0 && now < complete) {
      log::warn("rows of the last hours may still arrive, and will be in no counter",
                {{"account", account.name},
                 {"statement", statement.name},
                 {"complete", format_rfc3339(complete)}});
    }
    parts_.push_back(std::make_shared<Part>(account, statement, range, to, now));
  }
}

void Past::read(Time until, TimedSamples& page, const Deadline& deadline) {
  for (const auto& part : parts_) part->read(until, page, deadline);
}

}  // namespace exporter::snowflake
