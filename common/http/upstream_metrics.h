#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Registry;
}

namespace exporter::http {

/// kRequests by upstream and code, and kDuration by upstream and phase, in a registry that the app
/// renders. Safe to use from several threads.
class UpstreamMetrics {
 public:
  static constexpr const char* kRequests = "exporter_upstream_requests_total";
  static constexpr const char* kRequestsHelp =
      "Requests sent to an upstream, retries included, by status code; `error` where no whole "
      "reply came.";
  static constexpr const char* kDuration = "exporter_upstream_request_duration_seconds";
  static constexpr const char* kDurationHelp =
      "Duration of requests to an upstream in seconds, by phase: name_lookup, connect, tls, "
      "first_byte, total, and wait (before it, for the budget or a Retry-After); a phase that did "
      "not happen is not observed.";

  explicit UpstreamMetrics(prometheus::Registry& registry);
  ~UpstreamMetrics();

  /// Counts a try; `code` is the status, or "error" when there was no reply.
  void count(std::string_view upstream, std::string_view code);
  void observe(std::string_view upstream, std::string_view phase, double seconds);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace exporter::http
