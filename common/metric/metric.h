#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string_view>

namespace exporter {

enum class MetricType : std::uint8_t { counter, gauge, info, histogram, summary, untyped };

/// A family as the writer sees it: borrowed, cheap to copy.
struct MetricView {
  MetricType type;
  std::string_view name, help;
  std::span<const std::string_view> labels;
};

/// A family declared in source by counter(), gauge(), info(), histogram() or untyped(). A bad name,
/// an empty help, a counter without `_total`, a reserved or doubled label does not compile.
template <std::size_t N>
struct Metric {
  MetricType type;
  std::string_view name, help;
  std::array<std::string_view, N> labels;
  constexpr operator MetricView() const { return {type, name, help, labels}; }
};

/// Whether it is a metric name ([a-zA-Z_:][a-zA-Z0-9_:]*) or, without the colon, a label name.
constexpr bool valid_name(std::string_view name, char extra = '_') {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    if (!letter && !digit && c != '_' && c != extra) return false;
  }
  return true;
}
constexpr bool valid_metric_name(std::string_view name) { return valid_name(name, ':'); }
constexpr bool valid_label_name(std::string_view name) { return valid_name(name); }

/// What is wrong with the family, or an empty text. The rules of the Prometheus naming practices
/// and of OpenMetrics 1.0; `le`, `quantile`, `job`, `instance` and `__*` are reserved.
constexpr std::string_view fault(const MetricView& metric) {
  const auto ends = [&](std::string_view suffix) { return metric.name.ends_with(suffix); };
  if (!valid_name(metric.name)) return "not a metric name";
  if (metric.help.empty()) return "the help is missing";
  if ((metric.type == MetricType::counter) != ends("_total")) {
    return "_total belongs to counters, and to them alone";
  }
  if (metric.type == MetricType::info && !ends("_info")) return "an info metric ends in _info";
  if (ends("_bucket") || ends("_count") || ends("_sum")) return "the suffix belongs to histograms";
  for (std::size_t i = 0; i < metric.labels.size(); ++i) {
    const auto label = metric.labels[i];
    if (!valid_label_name(label)) return "not a label name";
    if (label.starts_with("__") || label == "le" || label == "quantile" || label == "job" ||
        label == "instance") {
      return "a reserved label";
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (metric.labels[j] == label) return "a doubled label";
    }
  }
  return {};
}

template <class... Labels>
consteval auto declare(MetricType type, std::string_view name, std::string_view help,
                       Labels... labels) {
  const Metric<sizeof...(Labels)> metric{type, name, help, {std::string_view(labels)...}};
  if (!fault(metric).empty()) throw std::invalid_argument("see fault()");
  return metric;
}
template <class... Labels>
consteval auto counter(std::string_view name, std::string_view help, Labels... labels) {
  return declare(MetricType::counter, name, help, labels...);
}
template <class... Labels>
consteval auto gauge(std::string_view name, std::string_view help, Labels... labels) {
  return declare(MetricType::gauge, name, help, labels...);
}
/// A gauge of constant 1 whose labels describe something; the name ends in `_info`.
template <class... Labels>
consteval auto info(std::string_view name, std::string_view help, Labels... labels) {
  return declare(MetricType::info, name, help, labels...);
}
template <class... Labels>
consteval auto histogram(std::string_view name, std::string_view help, Labels... labels) {
  return declare(MetricType::histogram, name, help, labels...);
}
template <class... Labels>
consteval auto untyped(std::string_view name, std::string_view help, Labels... labels) {
  return declare(MetricType::untyped, name, help, labels...);
}

}  // namespace exporter
