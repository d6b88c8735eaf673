#include "common/http/rate_limit.h"

#include <algorithm>

namespace exporter::http {

bool RateLimiter::allow(const WebConfig::RateLimit& limit, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const Nanoseconds at = std::chrono::nanoseconds(now.time_since_epoch()).count();
  const Nanoseconds interval = std::chrono::nanoseconds(limit.interval).count();
  const auto next = std::max(full_at_, at) + interval;
  if (next - at > interval * static_cast<Nanoseconds>(limit.burst)) return false;
  full_at_ = next;
  return true;
}

}  // namespace exporter::http
