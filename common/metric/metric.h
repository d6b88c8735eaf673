#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace exporter {

enum class MetricType : std::uint8_t { counter, gauge, info, histogram, summary, untyped };

/// A view of a family, as the writer needs it: borrowed, cheap to copy.
struct MetricView {
  MetricType type;
  std::string_view name, help;
  std::span<const std::string_view> labels;
};

/// A family declared in source by counter(), gauge(), info(), histogram() or untyped(). A bad name,
/// an empty help text, a counter without `_total`, and a reserved or duplicate label do not
/// compile.
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

/// A declaration that breaks a rule calls the rule's function, which is not constexpr: the compiler
/// rejects the call and prints the function's name.
namespace broken_rule {
inline void metric_name_is_not_valid() {}
inline void help_is_missing() {}
inline void counter_name_must_end_in_total() {}
inline void only_a_counter_name_may_end_in_total() {}
inline void info_name_must_end_in_info() {}
inline void suffixes_bucket_count_and_sum_belong_to_histograms() {}
inline void label_name_is_not_valid() {}
inline void label_name_is_reserved() {}
inline void label_name_is_duplicate() {}
}  // namespace broken_rule

consteval void check_name(MetricType type, std::string_view name) {
  const auto ends = [&](std::string_view suffix) { return name.ends_with(suffix); };
  const bool is_counter = type == MetricType::counter;
  if (!valid_name(name)) broken_rule::metric_name_is_not_valid();
  if (is_counter && !ends("_total")) broken_rule::counter_name_must_end_in_total();
  if (!is_counter && ends("_total")) broken_rule::only_a_counter_name_may_end_in_total();
  if (type == MetricType::info && !ends("_info")) broken_rule::info_name_must_end_in_info();
  if (ends("_bucket") || ends("_count") || ends("_sum")) {
    broken_rule::suffixes_bucket_count_and_sum_belong_to_histograms();
  }
}

consteval void check_labels(std::span<const std::string_view> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = labels[i];
    if (!valid_label_name(label)) broken_rule::label_name_is_not_valid();
    if (label.starts_with("__") || label == "le" || label == "quantile" || label == "job" ||
        label == "instance") {
      broken_rule::label_name_is_reserved();
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (labels[j] == label) broken_rule::label_name_is_duplicate();
    }
  }
}

/// The rules are those of the Prometheus naming practices and of OpenMetrics 1.0.
template <class... Labels>
consteval auto declare(MetricType type, std::string_view name, std::string_view help,
                       Labels... labels) {
  const Metric<sizeof...(Labels)> metric{type, name, help, {std::string_view(labels)...}};
  check_name(type, name);
  if (help.empty()) broken_rule::help_is_missing();
  check_labels(metric.labels);
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
/// A gauge with the constant value 1 whose labels describe something; the name ends in `_info`.
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
