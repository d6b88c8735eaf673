#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/secret.h"
#include "common/config/json.h"
#include "common/http/retry.h"
#include "common/http/upstream_metrics.h"

namespace exporter::http {

/// What a request without a body is signed with by Signature Version 4 of AWS.
struct AwsSigning {
  std::string region, service;  ///< "eu-central-1", "s3"
  Secret key_id, key;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, percent-encoded, joined to ClientOptions::base_url
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool idempotent = false;  ///< a POST that may be sent twice; GET, HEAD, PUT and DELETE always may
  std::shared_ptr<const AwsSigning> signing = {};
};

struct ClientResponse {
  int status = 0;
  std::string body;  ///< decompressed
  /// Of the final reply, names in lower case, values of equal names joined by ", ".
  std::map<std::string, std::string, std::less<>> headers;
};

struct ClientOptions {
  std::string name;         ///< the `upstream` label of its metrics
  std::string base_url;     ///< http://, https://, a path if need be; no user or password in it
  std::string unix_socket;  ///< connect there instead of to the URL's host
  std::string proxy;        ///< http://host:port; empty: none, whatever the environment says
  std::string ca_file;      ///< trusted instead of the system's authorities
  std::string client_certificate_file, client_key_file;  ///< PEM; an empty key file: the same file
  RetryPolicy retry;
  std::size_t max_body = 256u << 20;  ///< bytes after decompression
  std::size_t max_redirects = 5;
  std::size_t max_connections = 8;  ///< requests beyond it wait for a free one
};

/// Adds credentials to a request, again before each try, so that a rotated secret is used. The
/// target it sees is whole: base_url's path, the path, the query. Called from several threads when
/// the client is; may be empty.
using Authorize = std::function<void(ClientRequest&)>;

/// Takes the pieces of a body in the order in which they come.
using Sink = std::function<void(std::string_view piece)>;

/// One upstream: keeps its connections, retries what is safe to retry within the deadline, honours
/// Retry-After, counts into UpstreamMetrics. Redirects are followed to the same scheme, host and
/// port; one that points elsewhere is an Error{http_status} that names where, as no credentials
/// may go there. HTTP/1.1, TLS 1.2 and up, gzip. Safe to use from several threads.
class Client {
 public:
  /// Throws Error{config} naming the option that is wrong. Connects to nothing yet. The metrics
  /// must outlive it.
  Client(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// The reply, whatever its status. Throws Error{connect | timeout | cancelled | decode |
  /// http_status (a redirect) | config (certificate files, a malformed request)}; no error text
  /// holds a header's value, a body or a query.
  ClientResponse send(ClientRequest request, const Deadline& deadline);

  /// The JSON reply to a GET. Besides send()'s errors throws Error{auth} for 401 and 403,
  /// Error{rate_limited} for 429, Error{http_status} for other statuses than 200.
  Json get(std::string target, const Deadline& deadline);

  /// Hands the body of a 200 reply to the sink as it comes, decompressed, whatever its size, and
  /// returns at its end. Tries again only as long as the sink was given nothing. Throws as get()
  /// does; what the sink throws ends the transfer and passes through.
  void stream(ClientRequest request, const Sink& sink, const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
