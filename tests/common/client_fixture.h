#pragma once

#include <prometheus/registry.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "common/http/client.h"
#include "tests/support/scripted_server.h"

/// A client of a server under test, and its metrics.
struct ClientFixture {
  prometheus::Registry registry;
  exporter::http::UpstreamMetrics metrics{registry};
  exporter::http::ClientOptions options;

  explicit ClientFixture(std::string base_url = "") {
    options.name = "up";
    options.base_url = std::move(base_url);
    options.retry.base = std::chrono::milliseconds(1);
    options.retry.cap = std::chrono::milliseconds(5);
  }

  exporter::http::Client client(exporter::http::Authorize authorize = {}) {
    return {options, std::move(authorize), metrics};
  }

  /// exporter_upstream_requests_total by code.
  std::map<std::string, double> requests() const;
  /// The number of observations of exporter_upstream_request_duration_seconds by phase.
  std::map<std::string, std::uint64_t> observations() const;
  /// The sum of the observations by phase, in seconds.
  std::map<std::string, double> durations() const;
};

/// Credentials added by a function without requests.
inline exporter::http::Authorize adding(std::function<void(exporter::http::ClientRequest&)> add) {
  return {[add = std::move(add)](exporter::http::ClientRequest& request,
                                 const exporter::Deadline&) { add(request); }};
}

inline exporter::Deadline soon() { return exporter::Deadline::in(std::chrono::seconds(20)); }

/// A GET, or another method.
exporter::http::ClientRequest request(std::string target, std::string method = "GET",
                                      std::string body = "");

/// "reason: text" of the Error that send() throws; "status N" if there is none.
std::string result_of(exporter::http::Client& client, exporter::http::ClientRequest request,
                      const exporter::Deadline& deadline = soon());

/// The text as one gzip member.
std::string gzip_of(std::string_view text);
