#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::http {

/// How often and when a request is retried: full jitter between zero and
/// min(cap, base * 2^(tries - 1)) (AWS Architecture Blog, "Exponential Backoff And Jitter").
struct RetryPolicy {
  int attempts = 3;  ///< including the first; with 1, each request has a new connection
  std::chrono::milliseconds base{200}, cap{5000};
  std::chrono::milliseconds connect_timeout{5000};  ///< per attempt: name lookup, connect, TLS
  std::chrono::milliseconds try_timeout{0};  ///< of one whole attempt; zero: only the deadline
};

/// The pause before the next attempt, given their number so far and a random number in [0, 1).
std::chrono::milliseconds pause_before(const RetryPolicy& policy, int tries_made, double random);

/// Whether an idempotent request may be retried after a reply with this status: 408, 429, 500, 502,
/// 503 and 504.
bool is_transient(int status);

/// An HTTP date in any of the three forms of RFC 9110, 5.6.7, as in a Date header; nothing if it is
/// malformed. The day of the week is not checked; a year of two digits is the one nearest to `now`.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text,
                                                        std::chrono::sys_seconds now);

/// The value of a Retry-After header (seconds, or an HTTP date) relative to `now`; nothing if it is
/// malformed. A date in the past is zero; at most one day.
std::optional<std::chrono::milliseconds> parse_retry_after(std::string_view value,
                                                           std::chrono::sys_seconds now);

}  // namespace exporter::http
