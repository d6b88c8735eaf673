#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace exporter {

/// A time zone of the IANA database, as the system's compiled files describe it (TZif, RFC 9636,
/// which the C library reads for one zone a process alone).
class TimeZone {
 public:
  /// UTC.
  TimeZone() = default;
  /// The zone of a name, "Europe/Berlin", from $TZDIR or /usr/share/zoneinfo; of "UTC" without a
  /// file. Throws Error{config}.
  static TimeZone load(const std::string& name);
  /// The content of such a file; nothing when it is malformed.
  static std::optional<TimeZone> parse(std::string_view file);

  /// How far the zone's clocks are ahead of UTC.
  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

  /// Which moment a local time is that exists twice, as clocks go back.
  enum class Twice : std::uint8_t { first, last };
  /// When clocks show this time. One that they leave out, as they go forward, is when they do so.
  std::chrono::sys_seconds moment_of(std::chrono::local_seconds local, Twice twice) const;

 private:
  struct Change {
    std::chrono::sys_seconds at;
    std::chrono::seconds offset;  ///< from then on
  };
  /// A day of each year and the local time on it (POSIX.1-2017, 8.3, TZ).
  struct YearlyChange {
    enum class Kind : std::uint8_t { month_week_day, day_without_leap, day } kind;
    int month, week, day;
    std::chrono::seconds time;

    std::chrono::sys_seconds in(std::chrono::year year) const;  ///< as if local time were UTC
  };
  /// What holds after the last change.
  struct Rule {
    std::chrono::seconds standard;
    struct Summer {
      std::chrono::seconds offset;
      YearlyChange begin, end;
    };
    std::optional<Summer> summer;

    std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;
  };
  class RuleReader;

  std::chrono::seconds first_{};  // the offset before all changes
  std::vector<Change> changes_;
  std::optional<Rule> rule_;
};

}  // namespace exporter
