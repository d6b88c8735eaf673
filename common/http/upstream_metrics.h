#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace prometheus {
class Registry;
}

namespace exporter::http {

/// exporter_upstream_requests_total{upstream,code} and
/// exporter_upstream_request_duration_seconds{upstream,phase} (name_lookup, connect, tls,
/// first_byte, total), in a registry that the app renders. Safe to use from several threads.
class UpstreamMetrics {
 public:
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
