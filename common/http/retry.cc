#include "common/http/retry.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/base/text.h"

namespace exporter::http {

namespace {

using namespace std::chrono;

constexpr seconds kMaxRetryAfter = days{1};

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// A number with exactly `digits` digits.
std::optional<int> parse_digits(std::string_view text, std::size_t digits) {
  if (text.size() != digits || text.find_first_not_of("0123456789") != text.npos) return {};
  return parse_number<int>(text);
}

std::optional<seconds> parse_clock(std::string_view text) {
  const auto hour = parse_digits(next_part(text, ':'), 2);
  const auto minute = parse_digits(next_part(text, ':'), 2);
  const auto second = parse_digits(text, 2);
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) return {};
  return hours{*hour} + minutes{*minute} + seconds{*second};
}

struct DateParts {
  std::string_view day, month, year, clock;
};

/// The last year with these two digits that is at most 50 years in the future (RFC 9110, 5.6.7).
int full_year(int two_digits, sys_seconds now) {
  const int last = static_cast<int>(year_month_day{floor<days>(now)}.year()) + 50;
  return last - (last - two_digits) % 100;
}

std::optional<sys_seconds> parse_parts(const DateParts& parts, sys_seconds now) {
  const auto month_at = std::find(kMonths.begin(), kMonths.end(), parts.month);
  const auto day = parse_digits(parts.day, parts.day.size() == 1 ? 1 : 2);
  auto year = parse_digits(parts.year, parts.year.size() == 2 ? 2 : 4);
  const auto clock = parse_clock(parts.clock);
  if (month_at == kMonths.end() || !day || !year || !clock) return {};
  if (parts.year.size() == 2) year = full_year(*year, now);
  const auto month = static_cast<unsigned>(month_at - kMonths.begin() + 1);
  const year_month_day date{std::chrono::year{*year}, std::chrono::month{month},
                            std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return {};
  return sys_days{date} + *clock;
}

}  // namespace

milliseconds pause_before(const RetryPolicy& policy, int tries_made, double random) {
  const double bound =
      std::min(static_cast<double>(policy.cap.count()),
               std::ldexp(static_cast<double>(policy.base.count()), std::max(tries_made, 1) - 1));
  return milliseconds{static_cast<milliseconds::rep>(bound * random)};
}

bool is_transient(int status) {
  constexpr std::array kTransient = {408, 429, 500, 502, 503, 504};
  return std::find(kTransient.begin(), kTransient.end(), status) != kTransient.end();
}

std::optional<sys_seconds> parse_http_date(std::string_view text, sys_seconds now) {
  const std::string_view weekday = next_word(text);
  DateParts parts;
  std::string_view zone = "GMT";
  if (!weekday.ends_with(',')) {  // Sun Nov  6 08:49:37 1994
    parts.month = next_word(text);
    parts.day = next_word(text);
    parts.clock = next_word(text);
    parts.year = next_word(text);
  } else if (auto date = next_word(text); date.find('-') != date.npos) {  // 06-Nov-94 08:49:37 GMT
    parts.day = next_part(date, '-');
    parts.month = next_part(date, '-');
    parts.year = date;
    parts.clock = next_word(text);
    zone = next_word(text);
  } else {  // 06 Nov 1994 08:49:37 GMT
    parts.day = date;
    parts.month = next_word(text);
    parts.year = next_word(text);
    parts.clock = next_word(text);
    zone = next_word(text);
  }
  if (zone != "GMT" || !trim(text).empty()) return {};
  return parse_parts(parts, now);
}

std::optional<milliseconds> parse_retry_after(std::string_view value, sys_seconds now) {
  value = trim(value);
  if (value.empty()) return {};
  if (value.find_first_not_of("0123456789") == value.npos) {
    const auto count = parse_number<std::int64_t>(value);
    return count && *count < kMaxRetryAfter.count() ? seconds{*count} : kMaxRetryAfter;
  }
  const auto date = parse_http_date(value, now);
  if (!date) return {};
  return std::clamp(*date - now, seconds{0}, kMaxRetryAfter);
}

}  // namespace exporter::http
