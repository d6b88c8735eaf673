#include "common/http/rate_limit.h"

#include <algorithm>

namespace exporter::http {

bool RateLimiter::allow(const WebConfig::RateLimit& limit, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto next = std::max(full_at_, now) + limit.interval;
  if (next - now > limit.interval * static_cast<long>(limit.burst)) return false;
  full_at_ = next;
  return true;
}

}  // namespace exporter::http
