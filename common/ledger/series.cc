#include "common/ledger/series.h"

#include <algorithm>

#include "common/base/text.h"
#include "common/metric/format.h"

namespace exporter::ledger {
namespace {

std::size_t bucket_of(Amount amount, std::span<const double> bounds) {
  const auto at = std::lower_bound(bounds.begin(), bounds.end(), amount.value());
  return static_cast<std::size_t>(at - bounds.begin());
}

/// Calls `use(cell, amount)` with what the event adds to each cell.
template <class Use>
void each_part(std::vector<Cell>& cells, const EventValue& value, std::span<const double> bounds,
               Use&& use) {
  if (!value.number) return;
  const auto amount = Amount::of(*value.number).value_or(Amount());
  use(cells.back(), amount);
  if (!value.counts.empty()) {
    std::string_view counts = value.counts;
    for (std::size_t i = 0; !counts.empty() && i + 1 < cells.size(); ++i) {
      use(cells[i], Amount::parse(next_part(counts, ' ')).value_or(Amount()));
    }
  } else if (!bounds.empty()) {
    use(cells[bucket_of(amount, bounds)], Amount::whole(1));
  }
}

}  // namespace

std::string family_key(const MetricView& metric, std::span<const double> bounds) {
  std::string key(metric.name);
  char separator = '{';
  for (const auto label : metric.labels) {
    key += separator;
    key += label;
    separator = ',';
  }
  if (separator == ',') key += '}';
  for (const double bound : bounds) {
    key += ' ';
    append_value(key, bound);
  }
  return key;
}

std::vector<double> bounds_of(std::string_view family_key) {
  std::vector<double> bounds;
  next_part(family_key, ' ');
  while (!family_key.empty()) {
    bounds.push_back(parse_number<double>(next_part(family_key, ' ')).value_or(0));
  }
  return bounds;
}

void append_labels_key(std::string& out, std::span<const std::string_view> labels) {
  for (const auto label : labels) {
    append_utf8(out, label);
    out += kEndOfLabel;
  }
}

std::vector<std::string_view> labels_of(std::string_view labels_key) {
  std::vector<std::string_view> labels;
  while (!labels_key.empty()) labels.push_back(next_part(labels_key, kEndOfLabel));
  return labels;
}

bool EventValue::operator==(const EventValue& other) const {
  if (number.has_value() != other.number.has_value() || counts != other.counts) return false;
  return number == other.number || Amount::of(*number) == Amount::of(*other.number);
}

void Series::add(const EventValue& value, std::span<const double> bounds) {
  each_part(cells, value, bounds, [](Cell& cell, Amount amount) { cell.truth += amount; });
}

void Series::subtract(const EventValue& value, std::span<const double> bounds) {
  each_part(cells, value, bounds, [](Cell& cell, Amount amount) { cell.truth -= amount; });
}

std::string text_of(const std::vector<Cell>& cells, Amount Cell::*part) {
  std::string out;
  for (const auto& cell : cells) {
    if (!out.empty()) out += ' ';
    out += (cell.*part).text();
  }
  return out;
}

bool read_text(std::vector<Cell>& cells, Amount Cell::*part, std::string_view text) {
  for (auto& cell : cells) {
    const auto amount = Amount::parse(next_part(text, ' '));
    if (!amount) return false;
    cell.*part = *amount;
  }
  return text.empty();
}

}  // namespace exporter::ledger
