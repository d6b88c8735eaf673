#include "common/metric/format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <utility>

#include "common/base/text.h"

namespace exporter {
namespace {

/// Whether the shortest form of a number is that of an integer. A number that ends in five zeros
/// may be shorter with an exponent.
bool is_written_as_integer(double value) {
  constexpr double kExact = 0x1p53;
  if (!(std::fabs(value) < kExact)) return false;
  const auto integer = static_cast<std::int64_t>(value);
  if (static_cast<double>(integer) != value) return false;
  return integer == 0 ? !std::signbit(value) : integer % 100'000 != 0;
}

/// Nonzero if one of eight bytes is special in a label value or a help text: `\\`, `"`, newline,
/// non-ASCII. A byte is zero if subtracting 1 borrows ("Bit Twiddling Hacks", S. E. Anderson).
std::uint64_t special_bytes(std::uint64_t bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  const auto equal = [&](char c) {
    const auto zero = bytes ^ (kOnes * static_cast<unsigned char>(c));
    return (zero - kOnes) & ~zero;
  };
  return (bytes | equal('\\') | equal('"') | equal('\n')) & kHighs;
}

/// Whether a label value or a help text needs no escaping.
bool is_plain(std::string_view value) {
  std::uint64_t special = 0;
  for (; !value.empty(); value.remove_prefix(std::min<std::size_t>(8, value.size()))) {
    special |= special_bytes(word_at(value, 0));
  }
  return special == 0;
}

std::string_view type_name(MetricType type, Format format) {
  const bool open = format == Format::openmetrics;
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::gauge: return "gauge";
    case MetricType::info: return open ? "info" : "gauge";
    case MetricType::histogram: return "histogram";
    case MetricType::summary: return "summary";
    case MetricType::untyped: break;
  }
  return open ? "unknown" : "untyped";
}

/// OpenMetrics names the family of a counter or an info metric without the suffix of its samples. A
/// counter whose samples lack the suffix (only named families) has the type unknown there.
std::pair<std::string_view, MetricType> header_of(std::string_view name, MetricType type,
                                                  Format format) {
  if (format == Format::openmetrics) {
    const std::string_view suffix = type == MetricType::counter ? "_total"
                                    : type == MetricType::info  ? "_info"
                                                                : "";
    if (!name.ends_with(suffix)) return {name, MetricType::untyped};
    name.remove_suffix(suffix.size());
  }
  return {name, type};
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  if (is_plain(text)) {
    out += text;
    return;
  }
  std::string valid;
  append_utf8(valid, text);
  for (const char c : valid) {
    if (c == '\n') {
      out += "\\n";
    } else {
      if (c == '\\' || (c == '"' && quotes)) out += '\\';
      out += c;
    }
  }
}

}  // namespace

void append_header(std::string& out, MetricType type, std::string_view name, std::string_view help,
                   Format format) {
  const auto [family, written_type] = header_of(name, type, format);
  out.append("# HELP ").append(family).append(" ");
  append_escaped(out, help, format == Format::openmetrics);
  out.append("\n# TYPE ").append(family).append(" ");
  out.append(type_name(written_type, format)).append("\n");
}

void append_value(std::string& out, double value) {
  std::array<char, 32> digits;
  if (is_written_as_integer(value)) {
    const auto integer = static_cast<std::int64_t>(value);
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), integer).ptr;
    out.append(digits.data(), end);
  } else if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value < 0 ? "-Inf" : "+Inf";
  } else {
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
}

void append_bound(std::string& out, double bound) {
  if (!std::isfinite(bound)) {
    append_value(out, bound);
    return;
  }
  const double magnitude = std::fabs(bound);
  const bool fixed = magnitude == 0 || (magnitude >= 1e-4 && magnitude < 1e6);
  std::array<char, 40> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bound,
                                 fixed ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  out += text;
  if (fixed && text.find('.') == std::string_view::npos) out += ".0";
}

void append_label_value(std::string& out, std::string_view value) {
  append_escaped(out, value, true);
}

std::string exemplar(std::span<const Label> labels, double value,
                     std::chrono::sys_time<std::chrono::microseconds> when) {
  constexpr std::size_t kMostCharacters = 128;
  std::size_t size = 0;
  std::string text = " # {";
  for (const auto& [name, label] : labels) {
    size += name.size() + label.size();
    if (text.back() == '"') text += ',';
    text += name;
    text += "=\"";
    append_label_value(text, label);
    text += '"';
  }
  if (size > kMostCharacters) return {};
  text += "} ";
  append_value(text, value);
  text += ' ';
  append_value(text, std::chrono::duration<double>(when.time_since_epoch()).count());
  return text;
}

}  // namespace exporter
