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
  std::mutex mutex_;
  Clock::time_point full_at_{};  ///< when the bucket is full again
};

}  // namespace exporter::http
