#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::http {

/// How often and when a request is tried again: full jitter between zero and
/// min(cap, base * 2^(tries - 1)) (AWS Architecture Blog, "Exponential Backoff And Jitter").
struct RetryPolicy {
  int attempts = 3;  ///< tries in all; with one alone, each request has a connection of its own
  std::chrono::milliseconds base{200}, cap{5000};
  std::chrono::milliseconds connect_timeout{5000};  ///< of one try: name lookup, connect and TLS
  std::chrono::milliseconds try_timeout{0};         ///< of one whole try; zero: the deadline alone
};

/// The pause before the next try, given how many were made and a random number in [0, 1).
std::chrono::milliseconds pause_before(const RetryPolicy& policy, int tries_made, double random);

/// Whether a reply of this status may be followed by another try of an idempotent request: 408,
/// 429, 500, 502, 503 and 504.
bool is_transient(int status);

/// An HTTP date in any of the three forms of RFC 9110, 5.6.7, such as a Date header has; nothing
/// when it is malformed. The name of the day is not compared with the date; `now` is what a year of
/// two digits is near to.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text,
                                                        std::chrono::sys_seconds now);

/// The value of a Retry-After header (seconds, or an HTTP date), from `now`; nothing when it is
/// malformed. A date in the past is zero; at most one day.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::sys_seconds now);

}  // namespace exporter::http
