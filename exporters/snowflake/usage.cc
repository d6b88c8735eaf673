#include "exporters/snowflake/usage.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr seconds kMostCatchUp = std::chrono::days(7);
const std::string kAttempt = "attempt", kReadUpTo = "read_up_to.", kNewest = "newest.",
                  kLargest = "largest.";

Ledger::Options ledger_options(const Group& group) {
  Ledger::Options options;
  seconds longest{};
  for (const auto& statement : group.statements) {
    longest = std::max(longest, statement.horizon + statement.bucket);
  }
  // What is read again must not be compacted: the newest row may be as old as the view is late.
  options.allowed_lateness = std::max<seconds>(longest * 5 / 4, std::chrono::hours(2));
  return options;
}

std::string replaced(std::string text, std::string_view what, const std::string& value) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.replace(at, what.size(), value);
    at += value.size();
  }
  return text;
}

sys_seconds floor_to(sys_seconds time, seconds step) {
  const auto count = time.time_since_epoch() / step;
  return sys_seconds(count * step);
}

/// The values of a metric's labels in a row.
class Labels {
 public:
  Labels(const std::string& account, const UsageStatement& statement, const Row& row)
      : account_(account) {
    for (const auto column : statement.labels) {
      values_.emplace_back(to_lower(column.substr(2)),
                           row.raw(to_lower(column)).value_or(std::string()));
      // With its length, as a value may have any byte in it.
      const auto& value = values_.back().second;
      if (column.starts_with("L_"))
        id_.append(std::to_string(value.size())).append(":").append(value);
    }
  }

  /// What the row is known by stays.
  void show_largest(const Top& top, const Largest& largest, sys_seconds bucket) {
    for (auto& [label, value] : values_) {
      if (label == to_lower(top.column.substr(2))) value = largest.shown(value, bucket);
    }
  }

  std::vector<std::string_view> of(const MetricView& metric, std::string_view part) const {
    std::vector<std::string_view> values;
    for (const auto label : metric.labels) {
      const auto found = std::find_if(values_.begin(), values_.end(),
                                      [&](const auto& value) { return value.first == label; });
      if (label == "account") {
        values.push_back(account_);
      } else {
        values.push_back(found == values_.end() ? part : std::string_view(found->second));
      }
    }
    return values;
  }

  /// What a row of a bucket is known by in a family: its labels, and the part that is counted.
  std::string id(std::int64_t bucket, std::string_view part) const {
    return id_ + '@' + std::to_string(bucket) + '/' + std::string(part);
  }

 private:
  const std::string& account_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::string id_;
};

/// Counts of each bucket from cumulative ones.
std::vector<std::uint64_t> counts_of(const Row& row, const Buckets& buckets) {
  std::vector<std::uint64_t> counts;
  double before = 0;
  const auto take = [&](std::string_view column) {
    const auto cumulative = row.need_number(to_lower(column));
    if (!(cumulative >= before) || cumulative > 1e15) {
      throw Error(Reason::decode, "column " + to_lower(column) + ": not a cumulative count");
    }
    counts.push_back(static_cast<std::uint64_t>(cumulative - before));
    before = cumulative;
  };
  for (const auto column : buckets.columns) take(column);
  take(buckets.count);
  return counts;
}

std::vector<MetricView> families_of(const UsageStatement& statement) {
  std::vector<MetricView> families;
  const auto add = [&](const MetricView& metric) {
    const auto is_same = [&](const MetricView& other) { return other.name == metric.name; };
    if (std::none_of(families.begin(), families.end(), is_same)) families.push_back(metric);
  };
  for (const auto& value : statement.counters) add(value.metric);
  for (const auto& buckets : statement.histograms) add(buckets.metric);
  return families;
}

/// Takes in the rows of a statement.
class Counting {
 public:
  Counting(Ledger::Run& run, const std::string& account, const UsageStatement& statement,
           const std::optional<Largest>& largest)
      : run_(run), account_(account), statement_(statement), largest_(largest) {}

  void take(const Row& row) {
    const auto bucket = static_cast<std::int64_t>(row.need_number("b"));
    const Ledger::Time when{seconds(bucket)};
    Labels labels(account_, statement_, row);
    if (largest_) labels.show_largest(*statement_.top, *largest_, sys_seconds(seconds(bucket)));
    for (const auto& value : statement_.counters) {
      const auto amount = row.number(to_lower(value.column));
      if (!amount) continue;
      const auto id = labels.id(bucket, value.part);
      run_.record(value.metric, {id, when}, *amount * value.unit,
                  labels.of(value.metric, value.part));
    }
    for (const auto& buckets : statement_.histograms) {
      const auto id = labels.id(bucket, {});
      const auto sum = row.need_number(to_lower(buckets.sum)) * buckets.sum_unit;
      run_.observe_counts(buckets.metric, buckets.bounds, {id, when}, counts_of(row, buckets), sum,
                          labels.of(buckets.metric, {}));
    }
  }

 private:
  Ledger::Run& run_;
  const std::string& account_;
  const UsageStatement& statement_;
  const std::optional<Largest>& largest_;
};

/// Rows whose labels are missing would be taken for one and the same.
void require_columns(const UsageStatement& statement, const Table& table) {
  const auto require = [&](std::string_view column) {
    if (table.has_column(to_lower(column))) return;
    throw Error(Reason::decode,
                std::string(statement.name) + ": the answer has no column " + std::string(column));
  };
  for (const auto column : statement.labels) require(column);
  for (const auto& value : statement.counters) require(value.column);
  for (const auto& value : statement.gauges) require(value.column);
}

}  // namespace

std::string text_of(const UsageStatement& statement, sys_seconds lo, sys_seconds hi) {
  const auto date = [](sys_seconds time) { return format_rfc3339(time).substr(0, 10); };
  std::string text(statement.text);
  text = replaced(std::move(text), "{lo}", std::to_string(lo.time_since_epoch().count()));
  text = replaced(std::move(text), "{hi}", std::to_string(hi.time_since_epoch().count()));
  text = replaced(std::move(text), "{lo_date}", date(lo));
  return replaced(std::move(text), "{hi_date}", date(hi - seconds(1) + std::chrono::days(1)));
}

Usage::Usage(Account& account, const Group& group)
    : account_(account),
      group_(group),
      ledger_(account.ledgers->open("snowflake_" + std::string(group.name), account.name,
                                    ledger_options(group))) {
  if (!account.warehouse) {
    throw Error(Reason::config, "account " + account.name + ": the collector " +
                                    std::string(group.name) + " needs a warehouse");
  }
}

void Usage::collect(Samples& samples, const Deadline& deadline) {
  load(deadline);
  const auto now = account_.clock();
  if (is_due(now, deadline)) {
    failure_.reset();
    for (const auto& statement : group_.statements) {
      try {
        read(statement, now, samples, deadline);
      } catch (const Error& error) {
        if (error.reason() == Reason::cancelled) throw;
        // Without its not_before: until then what is known would leave the page.
        if (!failure_) failure_ = Error(error.reason(), error.what());
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
    if (statement.top != nullptr) {
      known.largest.emplace(statement.top->most).load(run.metadata(kLargest + name));
    }
  }
  run.commit();
  is_loaded_ = true;
}

/// What one statement reads must not close what another has not read for long, as it failed.
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

/// At whole multiples of the pace, in cycles, so that one resumption of the warehouse is for all
/// groups that are due. The last attempt is on the disk: a restart does not resume it once more.
/// Only what is kept in memory is read at the next cycle after it.
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
  auto lo = now - statement.horizon;
  if (statement.bucket.count() > 0) {
    if (known.read_up_to != Time())
      lo = std::max(known.read_up_to, now - kMostCatchUp) - statement.horizon;
    lo = floor_to(lo, statement.bucket);
  }
  const auto table =
      account_.warehouse->run(std::string(statement.name), text_of(statement, lo, now), deadline);
  require_columns(statement, table);
  if (statement.bucket.count() > 0) {
    count(statement, table, lo, now, samples, deadline);
  } else {
    take_gauges(statement, table, samples);
  }
  known.read_up_to = now;
}

/// What is in the window and did not come back is no more: a row that now has another label was
/// counted in another series.
void Usage::count(const UsageStatement& statement, const Table& table, Time lo, Time hi,
                  Samples& samples, const Deadline& deadline) {
  const auto families = families_of(statement);
  if (statement.top != nullptr) decide_largest(statement, table, hi);
  auto& known = known_[statement.name];
  double newest = 0;
  auto run = begin(deadline);
  run.replace_window(lo, hi, families);
  Counting counting(run, account_.name, statement, known.largest);
  table.each_row(samples, [&](const Row& row) {
    counting.take(row);
    newest = std::max(newest, row.number("newest").value_or(0));
  });
  const std::string name(statement.name);
  if (known.largest) run.set_metadata(kLargest + name, known.largest->text());
  run.set_metadata(kReadUpTo + name, std::to_string(hi.time_since_epoch().count()));
  run.set_metadata(kNewest + name, std::to_string(std::max(newest, known.newest)));
  run.commit();
  known.newest = std::max(newest, known.newest);
}

void Usage::decide_largest(const UsageStatement& statement, const Table& table, Time now) {
  std::map<std::string, double> amounts;
  Samples none;
  table.each_row(none, [&](const Row& row) {
    amounts[row.raw(to_lower(statement.top->column)).value_or("")] +=
        row.number(to_lower(statement.top->amount)).value_or(0);
  });
  known_[statement.name].largest->decide(amounts, now);
}

void Usage::take_gauges(const UsageStatement& statement, const Table& table, Samples& samples) {
  std::vector<Gauge> gauges;
  double newest = 0;
  table.each_row(samples, [&](const Row& row) {
    const Labels labels(account_.name, statement, row);
    newest = std::max({newest, row.number("newest").value_or(0), row.number("day").value_or(0)});
    for (const auto& value : statement.gauges) {
      const auto number = row.number(to_lower(value.column));
      if (!number) continue;
      const auto texts = labels.of(value.metric, value.part);
      gauges.push_back({value.metric, {texts.begin(), texts.end()}, *number * value.unit});
    }
  });
  auto& known = known_[statement.name];
  known.gauges = std::move(gauges);
  known.has_gauges = true;
  known.newest = newest;
}

void Usage::publish_read_times() const {
  for (const auto& [name, known] : known_) {
    account_.read_times.set(std::string(name), known.read_up_to, known.newest);
  }
}

void Usage::add_to(Samples& samples) const {
  for (const auto& statement : group_.statements) {
    const auto& known = known_.at(statement.name);
    for (const auto& gauge : known.gauges) {
      const std::vector<std::string_view> labels(gauge.labels.begin(), gauge.labels.end());
      samples.add(gauge.metric, gauge.value, labels);
    }
    for (const auto& buckets : statement.histograms) {
      ledger_->add_to(samples, buckets.metric, buckets.bounds);
    }
    for (const auto& metric : families_of(statement)) {
      if (metric.type == MetricType::counter) ledger_->add_to(samples, metric);
    }
  }
}

}  // namespace exporter::snowflake
