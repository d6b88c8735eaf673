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
  int final_status =
      0;  ///< a status that would pass elsewhere, and is an answer here: not repeated
  std::shared_ptr<const AwsSigning> signing = {};
  /// The target of the tries after the first, where an upstream is to be told that a request is
  /// repeated; empty: the same.
  std::string repeat_target = {};
};

struct ClientResponse {
  int status = 0;
  std::string body;  ///< decompressed; of a 206 as it came: a part of what is compressed
  /// Of the final reply, names in lower case, values of equal names joined by ", ".
  std::map<std::string, std::string, std::less<>> headers;
  /// Of a reply of overload (is_transient()) with Retry-After: when the next request may be sent.
  std::optional<Clock::time_point> not_before = {};
};

/// The way to an upstream by another host.
struct Proxy {
  struct Login {
    SecretSource user, password;
  };

  std::string url;                ///< http://host:port; empty: none, whatever the environment says
  std::optional<Login> login;     ///< Basic (RFC 7617), read again at each try
  std::vector<std::string> none;  ///< hosts without it: names, with their subdomains, or addresses
};

/// What may be asked of an upstream, by all who use one client.
struct Budget {
  static constexpr double kLeastRate = 1.0 / 86'400, kMostRate = 1e6;  // one a day
  static constexpr std::size_t kMost = 1000;

  double requests_per_second = 0;  ///< on average, repeated ones too; 0: no limit
  std::size_t burst = 1;           ///< how many may go at once after a pause
  std::size_t at_once = 8;         ///< requests under way; more wait until one has ended
};

/// Which requests do not wait behind others.
enum class Urgency : std::uint8_t {
  ordinary,
  urgent,  ///< up to ten are ahead of the budget's rate, and the ordinary ones wait as much longer
};

class Pace;

struct ClientOptions {
  std::string name;           ///< the `upstream` label of its metrics
  std::string base_url = {};  ///< http://, https://, a path if need be; no user or password in it
  std::string unix_socket = {};  ///< connect there instead of to the URL's host
  Proxy proxy = {};
  std::string ca_file = {};                  ///< trusted instead of the system's authorities
  std::string client_certificate_file = {};  ///< PEM
  std::string client_key_file = {};          ///< PEM; empty: it is in the certificate's file
  /// Sent with each request that has none of the same name; read again at each try.
  std::vector<std::pair<std::string, SecretSource>> headers = {};
  RetryPolicy retry = {};
  Budget budget = {};
  /// Of several clients of one upstream: the budget's rate and a Retry-After hold for all that
  /// share it. Null: for this client alone.
  std::shared_ptr<Pace> pace = {};
  Urgency urgency = Urgency::ordinary;  ///< of all its requests
  std::size_t max_body = 256u << 20;    ///< bytes, compressed and not
  std::size_t max_redirects = 5;
  /// A connection that was idle for longer is not used again: NATs and load balancers drop one
  /// after a minute or later.
  std::chrono::seconds max_idle{30};
  /// Neither is an older one, so that a host's new address and a rotated client certificate are
  /// used.
  std::chrono::seconds max_age{300};
};

/// Adds credentials to requests. Called from several threads when the client is.
struct Authorize {
  /// Adds them, again before each try, so that a rotated secret is used. The target it sees is
  /// whole: base_url's path, the path, the query. May ask others for them, within the deadline.
  /// Empty: none are added.
  std::function<void(ClientRequest&, const Deadline&)> add = {};
  /// Is called with each reply (without its body where a sink had it) and the request that add()
  /// was called for. Returns whether the reply refuses the credentials and add() has others now:
  /// then the request is sent once more, whatever its method. Empty: never.
  std::function<bool(const ClientRequest&, const ClientResponse&)> renew = {};
};

/// Takes the pieces of a body in the order in which they come.
using Sink = std::function<void(std::string_view piece)>;

/// One upstream. HTTP/1.1, TLS 1.2 and up, gzip, whose trailer is checked. Safe to use from several
/// threads.
///
/// What is safe to repeat is repeated within the deadline. Any other request has a new connection,
/// so that it never fails because the peer has closed a kept one. A kept connection that brings no
/// byte of the reply in half of the time that is left is given up, as a NAT may have dropped it,
/// and the request is repeated over a new one: a deadline should be more than twice the time of the
/// slowest reply.
///
/// A reply of overload with Retry-After applies to all calls: until then they wait, or fail at once
/// with Error{rate_limited}, which has that time as not_before(), when their deadline is earlier.
/// It applies to clients of the same name and origin that are made later, too: a reload changes
/// nothing for the upstream. For its turn by the budget's rate a call waits or fails likewise, and
/// for one of the requests at once it waits until its deadline; a new client has its whole budget.
///
/// Redirects are followed to the same scheme, host and port; one that points elsewhere is an
/// Error{http_status} that names where, as no credentials may go there. Each request that is sent
/// is counted into UpstreamMetrics and by Deadline::count_request().
class Client {
 public:
  /// Throws Error{config} naming the option that is wrong. Connects to nothing yet. The metrics
  /// must outlive it.
  Client(ClientOptions options, Authorize authorize, UpstreamMetrics& metrics);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// The reply, whatever its status; refusal() makes an Error of it. Throws Error{connect | timeout
  /// | cancelled | decode | rate_limited (not sent) | http_status (a redirect) | auth (the proxy's
  /// login) | config (certificate files, a malformed request)}, and what the authorization throws;
  /// no error text holds a header's value, a body or a query.
  ClientResponse send(ClientRequest request, const Deadline& deadline);

  /// The JSON reply to a GET. Besides send()'s errors throws refusal() for other statuses than 200.
  Json get(std::string target, const Deadline& deadline);

  /// Hands the body of a 200 reply to the sink as it comes, decompressed, whatever its size, and
  /// returns at its end. Tries again only as long as the sink was given nothing. Throws as get()
  /// does; what the sink throws ends the transfer and passes through. What the sink, on its thread,
  /// sends with the same client does not wait for one of the requests at once to end.
  void stream(ClientRequest request, const Sink& sink, const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
