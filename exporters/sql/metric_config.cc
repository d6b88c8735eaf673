#include "exporters/sql/metric_config.h"

#include <algorithm>
#include <array>
#include <set>

#include "common/base/text.h"
#include "common/metric/samples.h"

namespace exporter::sql {
namespace {

using Kind = MetricConfig::Kind;

constexpr std::array<std::pair<std::string_view, Kind>, 5> kKinds{{{"gauge", Kind::gauge},
                                                                   {"counter", Kind::counter},
                                                                   {"untyped", Kind::untyped},
                                                                   {"histogram", Kind::histogram},
                                                                   {"enum", Kind::states}}};
constexpr std::size_t kMaxBounds = 100, kMaxStates = 100;

Kind read_kind(const Yaml& entry, RowsAre rows) {
  const auto given = entry.optional("type");
  if (!given) return rows == RowsAre::events ? Kind::counter : Kind::gauge;
  const auto text = given->string();
  for (const auto& [name, kind] : kKinds) {
    if (text != name) continue;
    const bool is_counted = kind == Kind::counter || kind == Kind::histogram;
    if (rows == RowsAre::events && !is_counted) given->fail("events make counters and histograms");
    return kind;
  }
  given->fail("expected gauge, counter, histogram, enum or untyped");
}

/// The rules that metric.h checks at compile time.
void check_name(const Yaml& where, Kind kind, std::string_view name) {
  if (!valid_metric_name(name)) where.fail("not a metric name: [a-zA-Z_:][a-zA-Z0-9_:]*");
  const bool is_counter = kind == Kind::counter, is_total = name.ends_with("_total");
  if (is_counter && !is_total) where.fail("the name of a counter must end in _total");
  if (!is_counter && is_total && kind != Kind::untyped) {
    where.fail("only the name of a counter may end in _total");
  }
  for (const auto* suffix : {"_bucket", "_count", "_sum"}) {
    if (name.ends_with(suffix) && kind != Kind::untyped) {
      where.fail("only a histogram has names that end in " + std::string(suffix));
    }
  }
}

/// The names of one metric's labels: states use the name `state`.
class LabelNames {
 public:
  explicit LabelNames(Kind kind) {
    if (kind == Kind::states) names_.insert("state");
  }

  void add(const Yaml& where, const std::string& name) {
    if (!valid_label_name(name)) where.fail("not a label name: [a-zA-Z_][a-zA-Z0-9_]*");
    const bool is_reserved = name.starts_with("__") || name == "le" || name == "quantile" ||
                             name == "job" || name == "instance" || name == "source";
    if (is_reserved) where.fail("the label " + name + " is reserved; give the column another name");
    if (!names_.insert(name).second) where.fail("duplicate label");
    if (names_.size() + 3 > kMaxNamedLabels) where.fail("too many labels");
  }

 private:
  std::set<std::string, std::less<>> names_;
};

void read_labels(const Yaml& entry, MetricConfig& metric) {
  LabelNames names(metric.kind);
  if (const auto list = entry.optional("labels")) {
    for (const auto& item : list->items()) {
      metric.label_columns.push_back(item.string());
      names.add(item, metric.label_columns.back());
    }
  }
  if (const auto map = entry.optional("static_labels")) {
    for (const auto& [name, value] : map->entries()) {
      names.add(value, name);
      metric.fixed_labels.emplace_back(name, value.string());
    }
  }
}

/// `buckets: [1, 10]` of values or, for current values, `buckets: {1: up_to_1, 10: up_to_10}` with
/// the columns of counts.
void read_buckets(const Yaml& entry, RowsAre rows, MetricConfig& metric) {
  const auto buckets = entry.required("buckets");
  if (rows == RowsAre::events) {
    for (const auto& bound : buckets.items()) metric.bounds.push_back(bound.number());
  } else {
    for (const auto& [bound, column] : buckets.entries()) {
      const auto number = parse_number<double>(bound);
      if (!number) column.fail("expected BOUND: COLUMN");
      metric.bounds.push_back(*number);
      metric.bound_columns.push_back(column.string());
    }
    metric.count_column = entry.required("count").string();
    metric.sum_column = entry.required("sum").string();
  }
  const bool ascends =
      std::ranges::adjacent_find(metric.bounds, std::greater_equal()) == metric.bounds.end();
  if (metric.bounds.empty() || metric.bounds.size() > kMaxBounds || !ascends) {
    buckets.fail("expected 1 to " + std::to_string(kMaxBounds) + " bounds that ascend");
  }
  if (rows == RowsAre::events && metric.bounds.front() <= 0) {
    buckets.fail("expected bounds above 0");
  }
}

void read_value(const Yaml& entry, RowsAre rows, MetricConfig& metric) {
  const auto value = entry.optional("value");
  if (!value) {
    if (rows != RowsAre::events || metric.kind != Kind::counter) entry.required("value");
    metric.constant = 1;
    return;
  }
  metric.value = value->string();
  metric.constant = parse_number<double>(metric.value);
  if (metric.constant && (rows == RowsAre::events || metric.kind == Kind::states)) {
    value->fail("expected a column");
  }
}

void read_states(const Yaml& entry, MetricConfig& metric) {
  const auto states = entry.required("states");
  std::set<std::string> known;
  for (const auto& state : states.items()) {
    metric.states.push_back(state.string());
    if (!known.insert(metric.states.back()).second) state.fail("duplicate state");
  }
  if (metric.states.empty() || metric.states.size() > kMaxStates) {
    states.fail("expected 1 to " + std::to_string(kMaxStates) + " states");
  }
}

void list_labels(MetricConfig& metric) {
  metric.labels.emplace_back("source");
  for (const auto& column : metric.label_columns) metric.labels.emplace_back(column);
  for (const auto& [name, value] : metric.fixed_labels) metric.labels.emplace_back(name);
  if (metric.kind == Kind::states) metric.labels.emplace_back("state");
}

std::unique_ptr<const MetricConfig> read_metric(const Yaml& entry, RowsAre rows) {
  auto metric = std::make_unique<MetricConfig>();
  metric->kind = read_kind(entry, rows);
  const auto name = entry.required("name");
  metric->name = name.string();
  check_name(name, metric->kind, metric->name);
  const auto help = entry.required("help");
  metric->help = help.string();
  if (metric->help.empty()) help.fail("expected a sentence");
  read_labels(entry, *metric);
  if (metric->kind == Kind::histogram) read_buckets(entry, rows, *metric);
  const bool has_counts = !metric->bound_columns.empty();
  if (!has_counts) read_value(entry, rows, *metric);
  if (metric->kind == Kind::states) read_states(entry, *metric);
  list_labels(*metric);
  return metric;
}

}  // namespace

MetricView MetricConfig::view() const {
  constexpr std::array<MetricType, 5> kTypes{MetricType::gauge, MetricType::counter,
                                             MetricType::untyped, MetricType::histogram,
                                             MetricType::gauge};
  return {kTypes[std::size_t(kind)], name, help, labels};
}

MetricConfigs read_metrics(const Yaml& list, RowsAre rows) {
  MetricConfigs metrics;
  std::set<std::string> names;
  for (const auto& entry : list.items()) {
    metrics.push_back(read_metric(entry, rows));
    if (!names.insert(metrics.back()->name).second) entry.required("name").fail("duplicate name");
  }
  if (metrics.empty()) list.fail("expected at least one metric");
  return metrics;
}

}  // namespace exporter::sql
