#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/deadline.h"

namespace prometheus {
class Registry;
}

namespace exporter::http {

/// kRequests by upstream and code, and kDuration by upstream and phase, in a registry that the app
/// renders. It outlives the clients of one configuration, and so remembers for the next ones until
/// when an upstream accepts no request. Thread-safe.
class UpstreamMetrics {
 public:
  static constexpr const char* kRequests = "exporter_upstream_requests_total";
  static constexpr const char* kRequestsHelp =
      "Requests sent to an upstream, retries included, by status code; `error` without a complete "
      "response.";
  static constexpr const char* kDuration = "exporter_upstream_request_duration_seconds";
  static constexpr const char* kDurationHelp =
      "Duration of requests to an upstream in seconds, by phase: name_lookup, connect, tls, "
      "first_byte, total, and wait (before it, for the budget or a Retry-After); a phase that did "
      "not occur is not observed.";

  explicit UpstreamMetrics(prometheus::Registry& registry);
  ~UpstreamMetrics();

  /// Counts an attempt; `code` is the status, or "error" if there was no reply.
  void count(std::string_view upstream, std::string_view code);
  void observe(std::string_view upstream, std::string_view phase, double seconds);

  /// Records that the upstream at this origin accepts no request before then; the latest such time
  /// counts.
  void hold(const std::string& upstream, const std::string& origin, Clock::time_point until);
  /// That time; the earliest time point if there was none.
  Clock::time_point held_until(const std::string& upstream, const std::string& origin) const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Clock::time_point> held_until_;  // few upstreams
};

}  // namespace exporter::http
