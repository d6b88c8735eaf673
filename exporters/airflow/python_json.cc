#include "exporters/airflow/python_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "common/base/text.h"

namespace exporter::airflow {
namespace {

constexpr std::size_t kMostLevels = 200;

/// The code unit of the escape that the text begins with, "\ud83d"; 0 where it begins otherwise.
std::uint16_t code_unit(std::string_view text) {
  if (!text.starts_with("\\u")) return 0;
  return parse_number<std::uint16_t>(text.substr(2, 4), 16).value_or(0);
}
bool is_high(std::uint16_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(std::uint16_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

/// Whether it may be part of a number or a word.
bool is_scalar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '+' || c == '.';
}

class Converter {
 public:
  explicit Converter(std::string_view text) : rest_(text) {}

  std::string convert() {
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '"') {
        convert_string();
      } else if (is_scalar(c)) {
        convert_scalar();
      } else {
        convert_other(c);
      }
    }
    return std::move(out_);
  }

 private:
  void keep(std::string_view text) {
    if (levels_ <= kMostLevels) out_ += text;
  }
  void take(std::size_t size) {
    keep(rest_.substr(0, size));
    rest_.remove_prefix(std::min(size, rest_.size()));
  }

  void convert_string() {
    take(1);
    while (!rest_.empty() && rest_.front() != '"') {
      const auto unit = code_unit(rest_);
      if (is_high(unit) && is_low(code_unit(rest_.substr(6)))) {
        take(12);
      } else if (is_high(unit) || is_low(unit)) {
        keep("\\ufffd");
        rest_.remove_prefix(6);
      } else {
        take(rest_.front() == '\\' ? 2 : 1);
      }
    }
    take(1);
  }

  void convert_scalar() {
    std::size_t size = 0;
    while (size < rest_.size() && is_scalar(rest_[size])) ++size;
    const auto text = rest_.substr(0, size);
    const auto number = parse_number<double>(text);  // NaN and Infinity are numbers here
    if (text == "true" || text == "false" || (number && std::isfinite(*number))) return take(size);
    keep("null");
    rest_.remove_prefix(size);
  }

  void convert_other(char c) {
    if (c == '[' || c == '{') {
      if (levels_ == kMostLevels) keep("null");
      ++levels_;
    }
    take(1);
    if ((c == ']' || c == '}') && levels_ > 0) --levels_;
  }

  std::string_view rest_;
  std::string out_;
  std::size_t levels_ = 0;
};

}  // namespace

std::string json_of_python(std::string_view text) { return Converter(text).convert(); }

}  // namespace exporter::airflow
