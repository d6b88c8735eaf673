#include "common/base/time.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <utility>

#include "common/base/text.h"

namespace exporter {

namespace {

using namespace std::chrono;

struct Unit {
  std::string_view name;
  std::uint64_t milliseconds;
};

constexpr std::array<Unit, 7> kUnits = {{
    {"y", 365ULL * 24 * 3'600'000},
    {"w", 7ULL * 24 * 3'600'000},
    {"d", 24ULL * 3'600'000},
    {"h", 3'600'000},
    {"m", 60'000},
    {"s", 1'000},
    {"ms", 1},
}};

/// As in Go: what fits into 64 bits of nanoseconds, about 292 years.
constexpr std::uint64_t kMaxMilliseconds = std::numeric_limits<std::int64_t>::max() / 1'000'000;

constexpr sys_time<microseconds> kFirst = sys_days{year{1} / 1 / 1};
constexpr sys_time<microseconds> kEnd = sys_days{year{10'000} / 1 / 1};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Consumes characters of a text; `ok` is false once one was not as expected.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  bool accept(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(std::string_view any_of) { ok_ = accept(any_of) && ok_; }

  /// A number with exactly that many digits, within the bounds.
  int digits(std::size_t count, int low, int high) {
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_.empty() || !is_digit(rest_.front())) {
        ok_ = false;
        return low;
      }
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    ok_ = ok_ && value >= low && value <= high;
    return value;
  }

  /// A decimal fraction of a second, of any length.
  microseconds fraction() {
    ok_ = ok_ && !rest_.empty() && is_digit(rest_.front());
    std::int64_t value = 0;
    std::int64_t place = 100'000;
    for (; !rest_.empty() && is_digit(rest_.front()); rest_.remove_prefix(1), place /= 10) {
      value += place * (rest_.front() - '0');
    }
    return microseconds(value);
  }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

minutes read_offset(Scanner& scanner) {
  if (scanner.accept("Zz")) return minutes::zero();
  const bool east = scanner.accept("+");
  if (!east) scanner.expect("-");
  const auto offset_hours = hours(scanner.digits(2, 0, 23));
  scanner.expect(":");
  const auto offset = offset_hours + minutes(scanner.digits(2, 0, 59));
  return east ? offset : -offset;
}

/// A leap second is the last second of a month in UTC: the one before `next`.
bool may_follow_leap_second(sys_seconds next) {
  const auto day = floor<days>(next);
  return next == day && year_month_day(day).day() == std::chrono::day(1);
}

}  // namespace

std::optional<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds::zero();
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  auto unit = kUnits.begin();
  while (!text.empty()) {
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto count = parse_number<std::uint64_t>(text.substr(0, digits));
    text.remove_prefix(digits);
    const auto name = text.substr(0, text.find_first_of("0123456789"));
    text.remove_prefix(name.size());
    unit = std::find_if(unit, kUnits.end(), [&](const Unit& u) { return u.name == name; });
    if (!count || unit == kUnits.end()) return std::nullopt;
    if (*count > (kMaxMilliseconds - total) / unit->milliseconds) return std::nullopt;
    total += *count * unit->milliseconds;
    ++unit;
  }
  return milliseconds(total);
}

std::string format_duration(milliseconds duration) {
  if (duration == milliseconds::zero()) return "0s";
  std::string text = duration < milliseconds::zero() ? "-" : "";
  auto left = static_cast<std::uint64_t>(duration.count());
  if (duration < milliseconds::zero()) left = 0 - left;
  for (const auto& [name, unit] : kUnits) {
    const bool only_exact = name == "y" || name == "w";
    if (left < unit || (only_exact && left % unit != 0)) continue;
    text += std::to_string(left / unit);
    text += name;
    left %= unit;
  }
  return text;
}

std::optional<sys_time<microseconds>> parse_rfc3339(std::string_view text) {
  Scanner scanner(text);
  const auto y = year(scanner.digits(4, 0, 9999));
  scanner.expect("-");
  const auto m = month(static_cast<unsigned>(scanner.digits(2, 1, 12)));
  scanner.expect("-");
  const auto d = day(static_cast<unsigned>(scanner.digits(2, 1, 31)));
  scanner.expect("Tt ");
  const auto hour = hours(scanner.digits(2, 0, 23));
  scanner.expect(":");
  const auto minute = minutes(scanner.digits(2, 0, 59));
  scanner.expect(":");
  const auto second = seconds(scanner.digits(2, 0, 60));
  const auto fraction = scanner.accept(".") ? scanner.fraction() : microseconds::zero();
  const auto offset = read_offset(scanner);

  const auto date = y / m / d;
  if (!scanner.ok() || !scanner.at_end() || !date.ok()) return std::nullopt;
  const sys_seconds whole = sys_days(date) + hour + minute + second - offset;
  if (second == seconds(60) && !may_follow_leap_second(whole)) return std::nullopt;
  const sys_time<microseconds> time = whole + fraction;
  if (time < kFirst || time >= kEnd) return std::nullopt;
  return time;
}

std::string format_rfc3339(sys_time<milliseconds> time) {
  time = std::clamp(time, time_point_cast<milliseconds>(kFirst),
                    sys_time<milliseconds>(time_point_cast<milliseconds>(kEnd) - milliseconds(1)));
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const hh_mm_ss clock(time - midnight);
  std::array<char, 64> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

double unix_now() { return duration<double>(system_clock::now().time_since_epoch()).count(); }

}  // namespace exporter
