#pragma once

#include <mutex>

#include "common/base/deadline.h"
#include "common/http/web_config.h"

namespace exporter::http {

/// A token bucket: on average one request each interval, and up to `burst` at once.
class RateLimiter {
 public:
  /// Whether a request may pass now, under the current limit.
  bool allow(const WebConfig::RateLimit& limit, Clock::time_point now);

 private:
  __extension__ using Nanoseconds = __int128;  // the longest interval times the largest burst

  std::mutex mutex_;
  Nanoseconds full_at_ = 0;  ///< by the Clock: when the bucket is full again
};

}  // namespace exporter::http
