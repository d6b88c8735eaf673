#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "common/collect/exposition.h"
#include "common/http/server.h"

namespace exporter {

/// Answers every request of an exporter: the metrics, the landing page, /-/healthy, /-/ready and
/// /-/reload.
class Pages {
 public:
  struct Options {
    std::string name, description;
    std::string telemetry_path;
    std::string source_label;      ///< empty where the source has no name
    std::size_t max_requests = 0;  ///< scrapes at once; 0 for no limit
    bool enable_lifecycle = false;
    std::function<std::shared_ptr<Exposition>()> exposition;  ///< the current generation
    std::function<std::optional<std::string>()> reload;       ///< the error; nothing on success
  };
  explicit Pages(Options options) : options_(std::move(options)) {}

  http::Response answer(const http::Request& request);

  static constexpr const char *kHealthy = "/-/healthy", *kReady = "/-/ready";

 private:
  http::Response metrics(const http::Request& request);
  http::Response landing() const;
  http::Response ready() const;
  http::Response reload(const http::Request& request) const;

  Options options_;
  std::atomic<std::size_t> scrapes_ = 0;
};

/// How long a scrape may take: the scraper's X-Prometheus-Scrape-Timeout-Seconds (at least 0.1 s)
/// less half a second for the response (at most half of it), or 9.5 s if the header is missing or
/// invalid.
Clock::duration scrape_time(std::string_view timeout_header);

}  // namespace exporter
