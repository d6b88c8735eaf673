#include "common/http/rate_limit.h"

#include <algorithm>

namespace exporter::http {

bool RateLimiter::allow(const WebConfig::RateLimit& limit, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto next = std::max(full_at_, now) + limit.interval;
  // By a quotient, as the product may be too large.
  const auto requests = (next - now - Clock::duration(1)) / limit.interval + 1;
  if (requests > static_cast<Clock::rep>(limit.burst)) return false;
  full_at_ = next;
  return true;
}

}  // namespace exporter::http
