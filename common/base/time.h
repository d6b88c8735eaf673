#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace exporter {

/// A Prometheus duration: "30s", "1h30m", "250ms", "0". Units y w d h m s ms, each once, largest
/// first (prometheus/common model.ParseDuration). Nothing when it is malformed or above 292 years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// Such a text as Prometheus prints it, e.g. "1h30m", "90d", "0s"; a negative one has a "-" in
/// front.
std::string format_duration(std::chrono::milliseconds duration);

/// An RFC 3339 time ("2026-01-02T03:04:05.678Z", any offset, 'T' or a space) as the time since
/// 1970 in UTC, cut to microseconds. Nothing when it is malformed or outside years 1 to 9999.
std::optional<std::chrono::sys_time<std::chrono::microseconds>> parse_rfc3339(
    std::string_view text);

/// UTC with milliseconds, e.g. "2026-01-02T03:04:05.678Z"; times outside years 1 to 9999 become the
/// first or the last of these.
std::string format_rfc3339(std::chrono::sys_time<std::chrono::milliseconds> time);

/// The wall clock in seconds since 1970.
double unix_now();

}  // namespace exporter
