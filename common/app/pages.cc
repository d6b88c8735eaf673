#include "common/app/pages.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/http/negotiate.h"
#include "version.h"

namespace exporter {
namespace {

/// In the order of Format; the first is served to who does not care.
constexpr std::array<std::string_view, 2> kContentTypes = {
    "text/plain; version=0.0.4; charset=utf-8",
    "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

constexpr double kDefaultTimeout = 10, kMaxTimeout = 3600, kWayBack = 0.5;

http::Response plain(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.body = Body(std::move(text));
  return response;
}

/// Counts the scrapes under way.
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

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string milliseconds(double seconds) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%.1f ms", seconds * 1e3);
  return text.data();
}

std::string ago(double unix_seconds) {
  if (unix_seconds <= 0) return "never";
  const auto age = std::chrono::seconds(std::llround(std::max(0.0, unix_now() - unix_seconds)));
  return format_duration(age) + " ago";
}

std::string schedule(const Collector& collector) {
  const auto* every = std::get_if<Every>(&collector.schedule);
  if (every == nullptr) return "on scrape";
  return "every " +
         format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(every->interval));
}

std::string row(const Exposition::Overview& overview) {
  const auto& status = *overview.status;
  const auto cell = [](std::string_view text, std::string_view kind = "td") {
    return '<' + std::string(kind) + '>' + escaped(text) + "</td>";
  };
  std::string out = "<tr>" + cell(overview.collector->name) + cell(schedule(*overview.collector));
  if (status.outcome == Status::Outcome::never_ran) {
    return out + cell("not yet run") + "<td></td><td></td><td></td><td></td></tr>\n";
  }
  const bool good = status.outcome == Status::Outcome::success;
  out += good ? cell("ok", "td class=ok")
              : cell("failed: " + std::string(to_string(status.reason)), "td class=bad");
  out += cell(ago(status.last_success_unix)) +
         cell(milliseconds(status.duration_seconds), "td class=n");
  return out + cell(std::to_string(status.samples), "td class=n") + cell(status.error) + "</tr>\n";
}

constexpr std::string_view kStyle =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;"
    "color:#1d232a}h1{font-size:1.5em;margin:0}p{color:#57606a;margin:.3em 0 1.2em}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3em .8em;"
    "border-bottom:1px solid #d8dee4}th{font-weight:600}.n{text-align:right;"
    "font-variant-numeric:tabular-nums}.ok{color:#1a7f37}.bad{color:#cf222e;font-weight:600}"
    "a{color:#0969da}nav a{margin-right:1.2em}";

}  // namespace

Clock::duration scrape_time(std::string_view timeout_header) {
  auto seconds = parse_number<double>(trim(timeout_header)).value_or(kDefaultTimeout);
  if (!std::isfinite(seconds) || seconds <= 0) seconds = kDefaultTimeout;
  seconds = std::min(seconds, kMaxTimeout);
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
  const auto name = escaped(options_.name);
  std::string page = "<!doctype html>\n<html lang=en><head><meta charset=utf-8><title>" + name +
                     "</title><style>" + std::string(kStyle) + "</style></head><body>\n<h1>" +
                     name + "</h1>\n<p>" + escaped(options_.description) + " Version " + kVersion +
                     ", revision " + kRevision + ".</p>\n<nav><a href=\"" +
                     escaped(options_.telemetry_path) +
                     "\">Metrics</a><a href=\"/-/healthy\">Healthy</a>"
                     "<a href=\"/-/ready\">Ready</a></nav>\n<table><thead><tr><th>Collector</th>"
                     "<th>Runs</th><th>Last run</th><th>Last success</th><th>Took</th>"
                     "<th>Samples</th><th>Error</th></tr></thead><tbody>\n";
  for (const auto& overview : options_.exposition()->overview()) page += row(overview);
  http::Response response = plain(200, page + "</tbody></table></body></html>\n");
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
