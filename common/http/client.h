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

/// The parameters for signing a request without a body by AWS Signature Version 4.
struct AwsSigning {
  std::string region, service;  ///< "eu-central-1", "s3"
  Secret key_id, key;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  ///< path and query, percent-encoded, joined to ClientOptions::base_url
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool idempotent = false;  ///< a POST that may be repeated; GET, HEAD, PUT and DELETE always may
  int final_status = 0;     ///< a transient status that is the answer here: not retried
  std::shared_ptr<const AwsSigning> signing = {};
  /// The target of retries, for an upstream that must be told that a request is repeated; empty:
  /// the same.
  std::string repeat_target = {};
};

struct ClientResponse {
  int status = 0;
  std::string body;  ///< decompressed; of a 206 as received, a part of what is compressed
  /// Of the final reply, names in lower case, the values of duplicate names joined by ", ".
  std::map<std::string, std::string, std::less<>> headers;
  /// If the reply reports overload (is_transient()) with a Retry-After: when the next request may
  /// be sent.
  std::optional<Clock::time_point> not_before = {};
};

/// An HTTP proxy.
struct Proxy {
  struct Login {
    SecretSource user, password;
  };

  std::string url;                ///< http://host:port; empty: none, the environment is ignored
  std::optional<Login> login;     ///< Basic (RFC 7617), read again at each attempt
  std::vector<std::string> none;  ///< hosts reached without it: names with subdomains, or addresses
};

/// Limits the requests of all users of one client.
struct Budget {
  static constexpr double kLeastRate = 1.0 / 86'400, kMostRate = 1e6;  // one a day
  static constexpr std::size_t kMost = 1000;

  double requests_per_second = 0;  ///< on average, retries included; 0: no limit
  std::size_t burst = 1;           ///< how many may be sent at once after a pause
  std::size_t at_once = 8;         ///< concurrent requests; others wait until one has ended
};

/// Which requests do not wait for others.
enum class Urgency : std::uint8_t {
  ordinary,
  urgent,  ///< up to ten exceed the budget's rate; ordinary ones wait longer for it
};

class Pace;

struct ClientOptions {
  std::string name;              ///< the `upstream` label of its metrics
  std::string base_url = {};     ///< http:// or https://, optionally a path; no user or password
  std::string unix_socket = {};  ///< connect there instead of to the URL's host
  Proxy proxy = {};
  std::string ca_file = {};                  ///< trusted instead of the system's authorities
  std::string client_certificate_file = {};  ///< PEM
  std::string client_key_file = {};          ///< PEM; empty: it is in the certificate's file
  /// Added to each request without a header of that name; read again at each attempt.
  std::vector<std::pair<std::string, SecretSource>> headers = {};
  RetryPolicy retry = {};
  Budget budget = {};
  /// For several clients of one upstream: they share the budget's rate and a Retry-After. Null:
  /// this client alone.
  std::shared_ptr<Pace> pace = {};
  Urgency urgency = Urgency::ordinary;  ///< of all its requests
  std::size_t max_body = 256u << 20;    ///< bytes, compressed and not
  std::size_t max_redirects = 5;
  /// A connection that was idle for longer is not reused: NATs and load balancers drop idle ones
  /// after a minute or later.
  std::chrono::seconds max_idle{30};
  /// Nor is an older one, so that a host's new address and a rotated client certificate take
  /// effect.
  std::chrono::seconds max_age{300};
};

/// Adds credentials to requests. Thread-safe if the client is used from several threads.
struct Authorize {
  /// Adds credentials before each attempt, so that a rotated secret takes effect. The target is
  /// complete: base_url's path, the path, the query. May send requests of its own, within the
  /// deadline. Empty: none are added.
  std::function<void(ClientRequest&, const Deadline&)> add = {};
  /// Called with each reply (without its body if a sink received it) and the request that add() was
  /// called for. Returns whether the reply rejects the credentials and add() now has new ones; the
  /// request is then repeated once, whatever its method. Empty: never.
  std::function<bool(const ClientRequest&, const ClientResponse&)> renew = {};
};

/// Receives the pieces of a body in order.
using Sink = std::function<void(std::string_view piece)>;

/// A client of one upstream: HTTP/1.1, TLS 1.2 and up, gzip with a checked trailer. Thread-safe.
///
/// Requests that are safe to repeat are retried within the deadline. Any other request uses a new
/// connection, so that it cannot fail because the peer has closed a kept one. If no byte of the
/// reply arrives over a kept connection within half of the remaining time, a NAT may have dropped
/// it, and the request is repeated over a new one: a deadline should be more than twice the time of
/// the slowest reply.
///
/// A Retry-After in a reply that reports overload applies to all calls: they wait until then, or
/// fail at once with Error{rate_limited} and that time as not_before() if their deadline is
/// earlier. It also applies to clients with the same name and origin that are made later, so that a
/// reload makes no difference to the upstream. A call waits or fails in the same way for the
/// budget's rate, and waits for a free slot of `at_once` until its deadline. A new client starts
/// with its whole budget.
///
/// Redirects are followed to the same scheme, host and port; any other is an Error{http_status}
/// that names the target, because it must not receive the credentials. Each request sent is counted
/// in UpstreamMetrics and by Deadline::count_request().
class Client {
 public:
  /// Throws Error{config} naming the invalid option. Does not connect yet. The metrics must outlive
  /// it.
  Client(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Returns the reply with any status; refusal() turns it into an Error. Throws Error{connect |
  /// timeout | cancelled | decode | rate_limited (not sent) | http_status (a redirect) | auth (the
  /// proxy's login) | config (certificate files, a malformed request)}, and what the authorization
  /// throws. No error contains a header's value, a body or a query.
  ClientResponse send(ClientRequest request, const Deadline& deadline);

  /// The JSON reply to a GET. Also throws refusal() for any status other than 200.
  Json get(std::string target, const Deadline& deadline);

  /// Passes the body of a 200 reply to the sink as it arrives, decompressed, without a size limit,
  /// and returns at its end. Retries only until the sink has received a piece. Throws as get()
  /// does; what the sink throws ends the transfer and is passed on. Requests that the sink sends
  /// with the same client, on its thread, are not limited by `at_once`.
  void stream(ClientRequest request, const Sink& sink, const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
