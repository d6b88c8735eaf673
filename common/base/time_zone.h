#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace exporter {

/// A time zone of the IANA database, read from the system's compiled files (TZif, RFC 9636). The C
/// library supports only one zone per process.
class TimeZone {
 public:
  /// UTC.
  TimeZone() = default;
  /// The zone with that name, "Europe/Berlin", from $TZDIR or /usr/share/zoneinfo; "UTC" needs no
  /// file. Throws Error{config}.
  static TimeZone load(const std::string& name);
  /// Parses the content of a TZif file; nothing if it is malformed.
  static std::optional<TimeZone> parse(std::string_view file);

  /// The zone's offset from UTC.
  std::chrono::seconds offset_at(std::chrono::sys_seconds time) const;

  /// Which of the two instants a local time means that occurs twice, when clocks go back.
  enum class Twice : std::uint8_t { first, last };
  /// The instant of a local time. One that is skipped, when clocks go forward, is the instant of
  /// that change.
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
  /// The rule after the last change.
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
