#include "common/base/time_zone.h"

#include <algorithm>
#include <cstdlib>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/text.h"

namespace exporter {
namespace {

using std::chrono::days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::sys_seconds;

constexpr std::size_t kHeader = 44, kMostFile = 1u << 20;

std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = static_cast<unsigned char>(bytes[0]) & 0x80u ? ~std::uint64_t{0} : 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

/// The counts in a block (RFC 9636, 3.1).
struct Counts {
  std::size_t utc, standard, leap, time, type, name;

  std::size_t size(std::size_t time_size) const {
    return time * (time_size + 1) + type * 6 + name + leap * (time_size + 4) + standard + utc;
  }
};

std::optional<Counts> read_counts(std::string_view file) {
  if (file.size() < kHeader || !file.starts_with("TZif")) return std::nullopt;
  std::size_t counts[6];
  for (std::size_t i = 0; i < 6; ++i) {
    const auto count = big_endian(file.substr(20 + 4 * i, 4));
    if (count < 0 || count > static_cast<std::int64_t>(kMostFile)) return std::nullopt;
    counts[i] = static_cast<std::size_t>(count);
  }
  return Counts{counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
}

bool is_name(std::string_view name) {
  constexpr std::string_view kBytes =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
  return !name.empty() && name.front() != '/' && name.find_first_not_of(kBytes) == name.npos;
}

}  // namespace

/// Parses "CET-1CEST,M3.5.0,M10.5.0/3"; nothing if any part of it is invalid.
class TimeZone::RuleReader {
 public:
  explicit RuleReader(std::string_view text) : rest_(text) {}

  std::optional<Rule> read() {
    Rule rule{};
    skip_name();
    rule.standard = -time();
    if (!rest_.empty()) {
      Rule::Summer summer{};
      skip_name();
      summer.offset = rest_.starts_with(',') ? rule.standard + std::chrono::hours(1) : -time();
      summer.begin = change();
      summer.end = change();
      rule.summer = summer;
    }
    if (!is_good_ || !rest_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip_name() {
    if (take('<')) {
      const auto end = rest_.find('>');
      is_good_ &= end != rest_.npos;
      rest_.remove_prefix(is_good_ ? end + 1 : rest_.size());
      return;
    }
    const auto end = std::min(rest_.find_first_of("+-0123456789,"), rest_.size());
    is_good_ &= end >= 3;
    rest_.remove_prefix(end);
  }

  int number(int from, int to) {
    const auto end = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    const auto value = parse_number<int>(rest_.substr(0, end));
    rest_.remove_prefix(end);
    is_good_ &= value && *value >= from && *value <= to;
    return value.value_or(0);
  }

  seconds time() {
    const int sign = take('-') ? -1 : 1;
    if (sign > 0) take('+');
    seconds time = std::chrono::hours(number(0, 167));
    if (take(':')) time += std::chrono::minutes(number(0, 59));
    if (take(':')) time += seconds(number(0, 59));
    return sign * time;
  }

  YearlyChange change() {
    using Kind = YearlyChange::Kind;
    YearlyChange change{Kind::day, 0, 0, 0, std::chrono::hours(2)};
    is_good_ &= take(',');
    if (take('M')) {
      change.kind = Kind::month_week_day;
      change.month = number(1, 12);
      is_good_ &= take('.');
      change.week = number(1, 5);
      is_good_ &= take('.');
      change.day = number(0, 6);
    } else if (take('J')) {
      change.kind = Kind::day_without_leap;
      change.day = number(1, 365);
    } else {
      change.day = number(0, 365);
    }
    if (take('/')) change.time = time();
    return change;
  }

  std::string_view rest_;
  bool is_good_ = true;
};

sys_seconds TimeZone::YearlyChange::in(std::chrono::year year) const {
  sys_days on = sys_days(year / 1 / 1) + days(day);
  if (kind == Kind::day_without_leap) {
    on -= days(1);
    if (year.is_leap() && day >= 60) on += days(1);
  } else if (kind == Kind::month_week_day) {
    const auto month_of = year / std::chrono::month(static_cast<unsigned>(month));
    const std::chrono::weekday weekday(static_cast<unsigned>(day));
    on = week == 5 ? sys_days(month_of / weekday[std::chrono::last])
                   : sys_days(month_of / weekday[static_cast<unsigned>(week)]);
  }
  return on + time;
}

/// If summer starts later in the year than it ends, winter lies within the year.
seconds TimeZone::Rule::offset_at(sys_seconds time) const {
  if (!summer) return standard;
  const auto day = std::chrono::floor<days>(time + standard);
  const auto year = std::chrono::year_month_day(day).year();
  const auto begin = summer->begin.in(year)-standard, end = summer->end.in(year)-summer->offset;
  const bool is_summer = begin < end ? time >= begin && time < end : time >= begin || time < end;
  return is_summer ? summer->offset : standard;
}

TimeZone TimeZone::load(const std::string& name) {
  if (name == "UTC") return {};
  if (!is_name(name)) throw Error(Reason::config, "expected a time zone, such as Europe/Berlin");
  const char* given = std::getenv("TZDIR");
  const auto directory = std::string(given != nullptr ? given : "/usr/share/zoneinfo");
  std::optional<TimeZone> zone;
  try {
    zone = parse(read_file_within(directory + '/' + name, kMostFile, seconds(5)));
  } catch (const Error&) {
    throw Error(Reason::config,
                "no time zone of this name in " + directory +
                    "; expected a name such as Europe/Berlin, and the package tzdata");
  }
  if (!zone) throw Error(Reason::config, "not a time zone: the file in " + directory);
  return *std::move(zone);
}

/// The second block has 64-bit times, and the rule that applies after the last of them.
std::optional<TimeZone> TimeZone::parse(std::string_view file) {
  const auto first = read_counts(file);
  if (!first || file[4] < '2' || file.size() < kHeader + first->size(4)) return std::nullopt;
  file.remove_prefix(kHeader + first->size(4));
  const auto counts = read_counts(file);
  if (!counts || counts->type == 0 || file.size() < kHeader + counts->size(8)) return std::nullopt;
  const auto times = file.substr(kHeader), types = times.substr(counts->time * 8),
             offsets = types.substr(counts->time);
  const auto offset_of = [&](std::size_t type) {
    return seconds(big_endian(offsets.substr(type * 6, 4)));
  };
  TimeZone zone;
  zone.first_ = offset_of(0);
  for (std::size_t i = 0; i < counts->time; ++i) {
    const auto type = static_cast<unsigned char>(types[i]);
    if (type >= counts->type) return std::nullopt;
    zone.changes_.push_back(
        {sys_seconds(seconds(big_endian(times.substr(i * 8, 8)))), offset_of(type)});
  }
  if (!std::ranges::is_sorted(zone.changes_, {}, &Change::at)) return std::nullopt;
  auto footer = file.substr(kHeader + counts->size(8));
  if (footer.size() < 2 || !footer.starts_with('\n') || !footer.ends_with('\n')) {
    return std::nullopt;
  }
  const auto rule = footer.substr(1, footer.size() - 2);
  if (rule.empty()) return zone;
  zone.rule_ = RuleReader(rule).read();
  if (!zone.rule_) return std::nullopt;
  return zone;
}

seconds TimeZone::offset_at(sys_seconds time) const {
  const auto after = std::ranges::upper_bound(changes_, time, {}, &Change::at);
  if (after == changes_.end() && rule_) return rule_->offset_at(time);
  return after == changes_.begin() ? first_ : std::prev(after)->offset;
}

/// No offset is more than a day, and no zone changes twice within two days.
sys_seconds TimeZone::moment_of(local_seconds local, Twice twice) const {
  const sys_seconds as_utc(local.time_since_epoch());
  auto before = as_utc - days(1), after = as_utc + days(1);
  const auto offset = offset_at(before);
  const auto early = as_utc - offset, late = as_utc - offset_at(after);
  const bool is_early = offset_at(early) == offset;
  const bool is_late = offset_at(late) == as_utc - late;
  if (is_early && is_late)
    return twice == Twice::first ? std::min(early, late) : std::max(early, late);
  if (is_early) return early;
  if (is_late) return late;
  while (after - before > seconds(1)) {
    const auto middle = before + (after - before) / 2;
    (offset_at(middle) == offset ? before : after) = middle;
  }
  return after;
}

}  // namespace exporter
