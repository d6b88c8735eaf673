#include "common/http/rate_limit.h"

#include <algorithm>

namespace exporter::http {

bool RateLimiter::allow(const WebConfig::RateLimit& limit, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds at = std::chrono::nanoseconds(now.time_since_epoch()).count();
  const Nanoseconds interval = std::chrono::nanoseconds(limit.interval).count();
  const auto full_if_empty = at + interval * static_cast<Nanoseconds>(limit.burst);
  // A bucket that was emptied under a stricter limit is only just empty under this one.
  full_at_ = std::clamp(full_at_, at, full_if_empty);
  if (full_at_ + interval > full_if_empty) return false;
  full_at_ += interval;
  return true;
}

}  // namespace exporter::http
