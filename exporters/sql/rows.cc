#include "exporters/sql/rows.h"

#include <cmath>
#include <cstdint>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxListed = 300;

using Cell = std::optional<std::string_view>;

/// Converts rows to samples of one metric.
class Adder {
 public:
  Adder(Samples& samples, const Table& table, const MetricConfig& metric, std::string_view source)
      : samples_(samples),
        table_(table),
        metric_(metric),
        view_(metric.view()),
        labels_(table, metric, source) {
    if (!metric.constant && metric.bound_columns.empty()) {
      value_ = require_column(table, metric.value);
    }
    for (const auto& column : metric.bound_columns) {
      bounds_.push_back(require_column(table, column));
    }
    if (bounds_.empty()) return;
    count_ = require_column(table, metric.count_column);
    sum_ = require_column(table, metric.sum_column);
  }

  void add(std::size_t row) {
    switch (metric_.kind) {
      case MetricConfig::Kind::histogram: return add_histogram(row);
      case MetricConfig::Kind::states: return add_states(row);
      default: break;
    }
    if (metric_.constant) return samples_.add(view_, *metric_.constant, labels_.of(row));
    const auto cell = table_.at(row, value_);
    if (cell) samples_.add(view_, number(*cell, metric_.value), labels_.of(row));
  }

 private:
  static double number(std::string_view text, std::string_view column) {
    try {
      return number_of(text);
    } catch (const Error& error) {
      throw Error(Reason::decode, std::string(column) + ": " + error.what());
    }
  }

  std::uint64_t count(std::string_view text, std::string_view column) const {
    const auto value = number(text, column);
    if (value >= 0 && value < 0x1p63 && std::floor(value) == value) return std::uint64_t(value);
    throw Error(Reason::decode, std::string(column) + ": expected a count");
  }

  /// The counts in a row are cumulative; those of Samples are not.
  void add_histogram(std::size_t row) {
    const auto all = table_.at(row, count_), sum = table_.at(row, sum_);
    if (!all || !sum) return;
    std::vector<std::uint64_t> counts;
    std::uint64_t below = 0;
    const auto add_up_to = [&](std::uint64_t count) {
      if (count < below)
        throw Error(Reason::decode, "the counts of the buckets are not cumulative");
      counts.push_back(count - below);
      below = count;
    };
    for (std::size_t i = 0; i < bounds_.size(); ++i) {
      const auto cell = table_.at(row, bounds_[i]);
      add_up_to(cell ? count(*cell, metric_.bound_columns[i]) : below);
    }
    add_up_to(count(*all, metric_.count_column));
    samples_.add_histogram(view_, metric_.bounds, counts, number(*sum, metric_.sum_column),
                           labels_.of(row));
  }

  void add_states(std::size_t row) {
    const auto cell = table_.at(row, value_);
    if (!cell) return;
    bool is_known = false;
    for (const auto& state : metric_.states) is_known = is_known || state == *cell;
    if (!is_known) {
      throw Error(Reason::decode, metric_.value + ": expected one of the states, found '" +
                                      printable(*cell, 40) + "'");
    }
    auto& labels = labels_.of(row);
    for (const auto& state : metric_.states) {
      labels.back() = state;
      samples_.add(view_, state == *cell ? 1 : 0, labels);
    }
  }

  Samples& samples_;
  const Table& table_;
  const MetricConfig& metric_;
  const MetricView view_;
  RowLabels labels_;
  std::size_t value_ = 0, count_ = 0, sum_ = 0;
  std::vector<std::size_t> bounds_;
};

}  // namespace

std::size_t require_column(const Table& table, std::string_view name) {
  if (const auto column = table.column(name)) return *column;
  throw Error(Reason::query, "the query returns no column " + std::string(name) + ", but " +
                                 printable(joined(table.columns()), kMaxListed));
}

RowLabels::RowLabels(const Table& table, const MetricConfig& metric, std::string_view source)
    : table_(table) {
  for (const auto& column : metric.label_columns) columns_.push_back(require_column(table, column));
  values_.resize(metric.labels.size());
  values_[0] = source;
  auto at = 1 + columns_.size();
  for (const auto& [name, value] : metric.fixed_labels) values_[at++] = value;
}

std::vector<std::string_view>& RowLabels::of(std::size_t row) {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    values_[i + 1] = table_.at(row, columns_[i]).value_or(std::string_view());
  }
  return values_;
}

void add_rows(Samples& samples, const Table& table, const MetricConfig& metric,
              std::string_view source) {
  samples.declare(metric.view());
  Adder adder(samples, table, metric, source);
  std::size_t malformed = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    try {
      adder.add(row);
    } catch (const Error& error) {
      if (error.reason() != Reason::decode) throw;
      if (++malformed == table.rows()) throw;
      samples.note_malformed_row(metric.name + ": " + error.what());
    }
  }
}

}  // namespace exporter::sql
