#include "exporters/snowflake/counting.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/config/json.h"
#include "common/config/json_object.h"

namespace exporter::snowflake {
namespace {

using std::chrono::sys_seconds;

/// The values of a metric's labels in a row.
class Labels {
 public:
  Labels(const std::string& account, const UsageStatement& statement, const Row& row)
      : account_(account) {
    for (const auto column : statement.labels) {
      values_.emplace_back(to_lower(column.substr(2)),
                           row.raw(to_lower(column)).value_or(std::string()));
      // With the length, because a value may contain any byte.
      const auto& value = values_.back().second;
      if (column.starts_with("L_"))
        id_.append(std::to_string(value.size())).append(":").append(value);
    }
  }

  /// Does not change the identity of the row.
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

  /// The identity of the row, without its bucket.
  const std::string& id() const { return id_; }

 private:
  const std::string& account_;
  std::vector<std::pair<std::string, std::string>> values_;
  std::string id_;
};

/// The value of the column that the top values are `per`; empty if there is no such column.
std::string per_of(const Top& top, const Row& row) {
  return top.per.empty() ? std::string() : row.raw(to_lower(top.per)).value_or("");
}

/// Converts cumulative counts to counts per bucket.
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

/// Keeps what was counted of the row before; `id` identifies the row and its bucket.
void keep(Ledger::Run& run, const UsageStatement& statement, const std::string& id) {
  for (const auto& value : statement.counters) run.keep(value.metric, id + std::string(value.part));
  for (const auto& buckets : statement.histograms) run.keep(buckets.metric, id, buckets.bounds);
}

}  // namespace

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

sys_seconds bucket_of(const Row& row) { return row.need_seconds("b"); }

std::map<std::string, std::map<std::string, double>> amounts_of(const Top& top,
                                                                const Table& table) {
  std::map<std::string, std::map<std::string, double>> amounts;
  Samples none;
  table.each_row(none, [&](const Row& row) {
    auto& of_values = amounts[per_of(top, row)];  // also if the row's amount cannot be read
    const auto amount = row.number(to_lower(top.amount)).value_or(0);
    of_values[row.raw(to_lower(top.column)).value_or("")] += amount;
  });
  return amounts;
}

void count_row(Ledger::Run& run, const std::string& account, const UsageStatement& statement,
               const Row& row, const Shown& shown) {
  const auto bucket = bucket_of(row);
  Labels labels(account, statement, row);
  const auto at = '@' + std::to_string(bucket.time_since_epoch().count()) + '/';
  if (statement.top != nullptr) {
    labels.show_largest(*statement.top, shown.at(per_of(*statement.top, row)), bucket);
  }
  try {
    for (const auto& value : statement.counters) {
      const auto amount = row.number(to_lower(value.column));
      if (!amount) continue;
      const auto id = labels.id() + at + std::string(value.part);
      run.record(value.metric, {id, bucket}, *amount * value.unit,
                 labels.of(value.metric, value.part));
    }
    for (const auto& buckets : statement.histograms) {
      const auto sum = row.need_number(to_lower(buckets.sum)) * buckets.sum_unit;
      run.observe_counts(buckets.metric, buckets.bounds, {labels.id() + at, bucket},
                         counts_of(row, buckets), sum, labels.of(buckets.metric, {}));
    }
  } catch (const Error& error) {
    if (error.reason() == Reason::decode) keep(run, statement, labels.id() + at);
    throw;
  }
}

void add_counted(const Ledger& ledger, const UsageStatement& statement, Samples& samples) {
  for (const auto& buckets : statement.histograms) {
    ledger.add_to(samples, buckets.metric, buckets.bounds);
  }
  for (const auto& metric : families_of(statement)) {
    if (metric.type == MetricType::counter) ledger.add_to(samples, metric);
  }
}

void Gauges::take(const std::string& account, const UsageStatement& statement, const Row& row) {
  const Labels labels(account, statement, row);
  std::vector<Gauge> gauges;
  for (const auto& value : statement.gauges) {
    const auto number = row.number(to_lower(value.column));
    if (!number) continue;
    const auto texts = labels.of(value.metric, value.part);
    gauges.push_back({value.metric, {texts.begin(), texts.end()}, *number * value.unit});
  }
  if (!statement.has_days) {
    now_.insert(now_.end(), gauges.begin(), gauges.end());
    return;
  }
  const auto day = row.need_number("day");
  const auto known = days_.find(labels.id());
  if (known == days_.end() || known->second.day < day) days_[labels.id()] = {day, gauges};
}

std::vector<const Gauges::Gauge*> Gauges::all() const {
  std::vector<const Gauge*> all;
  for (const auto& gauge : now_) all.push_back(&gauge);
  for (const auto& [id, day] : days_) {
    for (const auto& gauge : day.gauges) all.push_back(&gauge);
  }
  return all;
}

void Gauges::add_to(Samples& samples) const {
  for (const auto* gauge : all()) {
    const std::vector<std::string_view> labels(gauge->labels.begin(), gauge->labels.end());
    samples.add(gauge->metric, gauge->value, labels);
  }
}

std::string Gauges::text() const {
  std::vector<JsonObject> gauges;
  for (const auto* gauge : all()) {
    if (!std::isfinite(gauge->value)) continue;
    auto& one = gauges.emplace_back();
    one.add("metric", gauge->metric.name);
    one.add("value", gauge->value);
    one.add("labels", gauge->labels);
  }
  JsonObject object;
  object.add("gauges", gauges);
  return object.text();
}

void Gauges::load(const UsageStatement& statement, std::string_view text) {
  try {
    for (const auto& one : Json::parse(text, "gauges").at("gauges").items()) {
      const auto name = one.at("metric").string();
      const auto of = std::ranges::find_if(
          statement.gauges, [&](const Value& value) { return value.metric.name == name; });
      if (of == statement.gauges.end()) continue;
      Gauge gauge{of->metric, {}, one.at("value").number()};
      for (const auto& label : one.at("labels").items()) gauge.labels.push_back(label.string());
      if (gauge.labels.size() == of->metric.labels.size()) now_.push_back(std::move(gauge));
    }
  } catch (const Error&) {
    now_.clear();
  }
}

}  // namespace exporter::snowflake
