#pragma once

#include <mutex>

#include "common/base/deadline.h"
#include "common/http/web_config.h"

namespace exporter::http {

/// A token bucket: one request each interval on average, and up to `burst` at once.
class RateLimiter {
 public:
  /// Whether a request may pass now, under the limit in force now.
  bool allow(const WebConfig::RateLimit& limit, Clock::time_point now);

 private:
  __extension__ using Nanoseconds = __int128;  // of any burst of the longest intervals

  std::mutex mutex_;
  Nanoseconds full_at_ = 0;  ///< by the Clock: when the bucket is full again
};

}  // namespace exporter::http
