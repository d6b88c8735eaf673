#include "common/sql/value.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"

namespace exporter::sql {
namespace {

constexpr std::size_t kMaxShown = 40;  // of a value in an error, in bytes

// Seconds since 1970 of the first and the last second of the years 1 to 9999.
constexpr double kFirst = -62135596800, kLast = 253402300799;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void fail(std::string_view expected, std::string_view text) {
  throw Error(Reason::decode,
              "expected " + std::string(expected) + ", found '" + printable(text, kMaxShown) + "'");
}

std::optional<double> special(std::string_view text) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto is = [&](std::string_view word) { return equal_ignoring_case(text, word); };
  if (is("true")) return 1;
  if (is("false")) return 0;
  const double sign = text.starts_with('-') ? -1 : 1;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (is("nan")) return std::numeric_limits<double>::quiet_NaN();
  if (is("inf") || is("infinity")) return sign * kInfinity;
  return std::nullopt;
}

std::optional<double> decimal(std::string_view text) {
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  const auto digits = text.substr(has_sign ? 1 : 0);
  if (digits.empty() || (!is_digit(digits[0]) && digits[0] != '.')) return std::nullopt;
  return parse_number<double>(text.starts_with('+') ? digits : text);
}

/// The position of a time's offset: a 'Z', or a sign after the hours.
std::size_t offset_at(std::string_view text) {
  constexpr std::size_t kHours = 11;  // behind "YYYY-MM-DD "
  return text.size() <= kHours ? std::string_view::npos : text.find_first_of("Zz+-", kHours);
}

/// "2026-01-02 03:04:05.123+00" in RFC 3339's form.
std::string as_rfc3339(std::string_view text) {
  constexpr std::size_t kDate = 10, kMinutes = 16;
  if (text.size() == kDate) return std::string(text) + "T00:00:00Z";
  const auto at = offset_at(text);
  auto clock = std::string(trim(text.substr(0, at)));
  auto offset = at == std::string_view::npos ? std::string("Z") : std::string(text.substr(at));
  if (clock.size() == kMinutes) clock += ":00";
  if (offset.size() == 3) offset += ":00";                              // +02
  if (offset.size() == 5) offset.insert(3, ":");                        // +0200
  if (offset.size() == 9 && offset.ends_with(":00")) offset.resize(6);  // +02:00:00
  return clock + offset;
}

}  // namespace

double number_of(std::string_view text) {
  const auto trimmed = trim(text);
  if (const auto number = decimal(trimmed)) return *number;
  if (const auto number = special(trimmed)) return *number;
  fail("a number", text);
}

Time time_of(std::string_view text) {
  const auto trimmed = trim(text);
  if (const auto seconds = decimal(trimmed)) {
    if (!(*seconds >= kFirst && *seconds <= kLast)) fail("seconds since 1970", text);
    return Time(std::chrono::microseconds(std::llround(*seconds * 1e6)));
  }
  if (const auto time = parse_rfc3339(as_rfc3339(trimmed))) return *time;
  fail("a time", text);
}

Time earliest_of(std::string_view text) {
  try {
    return time_of(text);
  } catch (const Error&) {
    return Time(std::chrono::seconds(std::int64_t(kFirst)));
  }
}

std::string_view type_name(std::string_view name, Dialect dialect) noexcept {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSerials{
      {{"smallserial", "int2"}, {"serial", "int4"}, {"bigserial", "int8"}}};
  if (dialect != Dialect::postgresql) return name;
  for (const auto& [serial, type] : kSerials) {
    if (name == serial) return type;
  }
  return name;
}

}  // namespace exporter::sql
