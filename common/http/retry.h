#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::http {

/// How often and when a request is tried again: full jitter between zero and
/// min(cap, base * 2^(tries - 1)) (AWS Architecture Blog, "Exponential Backoff And Jitter").
struct RetryPolicy {
  int attempts = 3;  ///< tries in all
  std::chrono::milliseconds base{200}, cap{5000};
  std::chrono::milliseconds connect_timeout{5000};  ///< of one try: name lookup, connect and TLS
  std::chrono::milliseconds try_timeout{0};         ///< of one whole try; zero: the deadline alone
};

/// The pause before the next try, given how many were made and a random number in [0, 1).
std::chrono::milliseconds pause_before(const RetryPolicy& policy, int tries_made, double random);

/// Whether a reply of this status may be followed by another try of an idempotent request: 408,
/// 429, 500, 502, 503 and 504.
bool is_transient(int status);

/// The value of a Retry-After header (seconds, or an HTTP date of RFC 9110), from `now`; nothing
/// when it is malformed. A date in the past is zero; at most one day.
std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::sys_time<std::chrono::seconds> now);

}  // namespace exporter::http
