#include "common/app/pages.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "common/app/landing.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/negotiate.h"

namespace exporter {
namespace {

/// In the order of Format; the first is the default.
constexpr std::array<std::string_view, 2> kContentTypes = {
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

constexpr double kDefaultTimeout = 10, kMinTimeout = 0.1, kMaxTimeout = 3600, kWayBack = 0.5;

http::Response plain(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.body = Body(std::move(text));
  return response;
}

/// Counts the scrapes in progress.
class InFlight {
 public:
  explicit InFlight(std::atomic<std::size_t>& count) : count_(count), number_(++count) {}
  ~InFlight() { --count_; }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;
  std::size_t number() const { return number_; }

 private:
  std::atomic<std::size_t>& count_;
  std::size_t number_;
};

}  // namespace

Clock::duration scrape_time(std::string_view timeout_header) {
  auto seconds = parse_number<double>(trim(timeout_header)).value_or(kDefaultTimeout);
  if (!std::isfinite(seconds) || seconds <= 0) seconds = kDefaultTimeout;
  seconds = std::clamp(seconds, kMinTimeout, kMaxTimeout);
  return std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(std::max(seconds - kWayBack, seconds / 2)));
}

http::Response Pages::answer(const http::Request& request) {
  if (request.path == options_.telemetry_path) return metrics(request);
  if (request.path == "/") return landing();
  if (request.path == kHealthy) return plain(200, "healthy\n");
  if (request.path == kReady) return ready();
  if (request.path == "/-/reload") return reload(request);
  return plain(404, "not found; the metrics are at " + options_.telemetry_path + "\n");
}

http::Response Pages::metrics(const http::Request& request) {
  const InFlight in_flight(scrapes_);
  if (options_.max_requests > 0 && in_flight.number() > options_.max_requests) {
    return plain(503, "more than " + std::to_string(options_.max_requests) +
                          " scrapes at once (--web.max-requests)\n");
  }
  Exposition::Query query;
  query.until = Clock::now() + scrape_time(request.header("X-Prometheus-Scrape-Timeout-Seconds"));
  const auto type = http::best_media_type(request.header("Accept"), kContentTypes);
  query.format = static_cast<Format>(type);
  query.gzip = http::accepts_encoding(request.header("Accept-Encoding"), "gzip");
  query.collect = request.query("collect[]");
  query.exclude = request.query("exclude[]");
  http::Response response;
  try {
    response.body = options_.exposition()->scrape(query);
  } catch (const Error& error) {
    if (error.reason() != Reason::config) throw;
    return plain(400, std::string(error.what()) + "\n");
  }
  response.content_type = kContentTypes[type];
  response.headers.emplace_back("Vary", "Accept, Accept-Encoding");
  if (query.gzip) response.headers.emplace_back("Content-Encoding", "gzip");
  return response;
}

http::Response Pages::landing() const {
  auto response = plain(200, landing_page({options_.name, options_.description,
                                           options_.telemetry_path, options_.source_label},
                                          options_.exposition()->overview()));
  response.content_type = "text/html; charset=utf-8";
  return response;
}

http::Response Pages::ready() const {
  if (options_.exposition()->ready()) return plain(200, "ready\n");
  return plain(503, "not ready: a collector has not finished its first run\n");
}

http::Response Pages::reload(const http::Request& request) const {
  if (!options_.enable_lifecycle) {
    return plain(403, "reloading by HTTP is off (--web.enable-lifecycle)\n");
  }
  if (request.method != "POST") {
    auto response = plain(405, "use POST\n");
    response.headers.emplace_back("Allow", "POST");
    return response;
  }
  if (const auto error = options_.reload()) return plain(500, "not reloaded: " + *error + "\n");
  return plain(200, "reloaded\n");
}

}  // namespace exporter
