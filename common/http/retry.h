#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace exporter::http {

/// How often and when a request is tried again: full jitter between zero and
/// min(cap, base * 2^tries) (AWS Architecture Blog, "Exponential Backoff And Jitter").
struct RetryPolicy {
  int attempts = 3;  ///< tries in all
  std::chrono::milliseconds base{200}, cap{5000};
};

/// The pause before the next try, given how many were made and a random number in [0, 1).
std::chrono::milliseconds pause_before(const RetryPolicy& policy, int tries_made, double random);

/// The value of a Retry-After header (seconds, or an HTTP date of RFC 9110), from `now`; nothing
/// when it is malformed. A date in the past is zero; at most one day.
std::optional<std::chrono::milliseconds> parse_retry_after(
    std::string_view value, std::chrono::sys_time<std::chrono::seconds> now);

}  // namespace exporter::http
