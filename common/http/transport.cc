#include "common/http/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/curl.h"
#include "common/http/handle.h"
#include "common/http/pool.h"
#include "common/http/transfer.h"
#include "version.h"

namespace exporter::http {

namespace {

using curl::info;
using curl::set;

constexpr long kKeepAliveIdle = 30, kKeepAliveInterval = 10;  // seconds
constexpr unsigned kUnacknowledged = 10'000;                  // milliseconds

/// Marks the thread that runs a sink of these handles, until destruction.
class InSink {
 public:
  explicit InSink(const Pool<Handle>& handles) : handles_(handles), outer_(innermost_) {
    innermost_ = this;
  }
  ~InSink() { innermost_ = outer_; }
  InSink(const InSink&) = delete;
  InSink& operator=(const InSink&) = delete;

  static bool of(const Pool<Handle>& handles) {
    for (const auto* each = innermost_; each != nullptr; each = each->outer_) {
      if (&each->handles_ == &handles) return true;
    }
    return false;
  }

 private:
  static thread_local const InSink* innermost_;
  const Pool<Handle>& handles_;
  const InSink* const outer_;
};
thread_local const InSink* InSink::innermost_ = nullptr;

/// Detects a host that no longer acknowledges, however long the server takes to answer.
int on_socket(void*, curl_socket_t socket, curlsocktype) noexcept {
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUnacknowledged, sizeof kUnacknowledged);
  return CURL_SOCKOPT_OK;  // it may be a Unix socket
}

std::string broken_off(CURL* easy, const Transfer& transfer) {
  if (const long error = info<long>(easy, CURLINFO_OS_ERRNO); error != 0) {
    return curl::errno_text(static_cast<int>(error));
  }
  const auto text = transfer.curl_error();
  return text.find("SSL") != text.npos ? curl::tls_text(text)
                                       : "the response is truncated or malformed";
}

/// Whether the request went over a kept connection.
bool is_reused(CURL* easy, const Transfer& transfer) {
  return transfer.is_sent() && info<long>(easy, CURLINFO_NUM_CONNECTS) == 0;
}

std::string lateness(CURL* easy, const Transfer& transfer) {
  if (transfer.has_begun()) return "timed out reading the response";
  if (transfer.is_sent()) return "timed out waiting for the response";
  if (info<long>(easy, CURLINFO_NUM_CONNECTS) > 0) return "timed out in the handshake";
  if (info<curl_off_t>(easy, CURLINFO_NAMELOOKUP_TIME_T) > 0) return "timed out connecting";
  return "timed out looking up the host name";
}

Failure::Again again_after(const Transfer& transfer) {
  return transfer.is_sent() ? Failure::Again::if_repeatable : Failure::Again::always;
}

/// Why an attempt ended before it was complete.
Failure unfinished(const Deadline& deadline, Failure late) {
  if (!deadline.stop().stop_requested()) return late;
  return {Reason::cancelled, "cancelled", Failure::Again::never};
}

std::optional<Address> redirect_of(CURL* easy, int status) {
  constexpr std::array kRedirects = {301, 302, 303, 307, 308};
  if (std::find(kRedirects.begin(), kRedirects.end(), status) == kRedirects.end()) return {};
  const char* location = info<const char*>(easy, CURLINFO_REDIRECT_URL);
  return location != nullptr ? parse_url(location) : std::nullopt;
}

curl::Phases phases_of(CURL* easy, const Transfer& transfer) {
  auto phases = is_reused(easy, transfer) ? curl::Phases{} : curl::connection_phases(easy);
  if (transfer.has_begun()) phases.emplace_back("first_byte", curl::first_byte(easy));
  phases.emplace_back("total", curl::seconds(easy, CURLINFO_TOTAL_TIME_T));
  return phases;
}

bool has_body(const ClientRequest& request) {
  constexpr std::array<std::string_view, 3> kWithBody = {"POST", "PUT", "PATCH"};
  return !request.body.empty() ||
         std::find(kWithBody.begin(), kWithBody.end(), request.method) != kWithBody.end();
}

void set_signing(CURL* easy, const AwsSigning& signing) {
  set(easy, CURLOPT_AWS_SIGV4, ("aws:amz:" + signing.region + ':' + signing.service).c_str());
  set(easy, CURLOPT_USERNAME, signing.key_id.c_str());
  set(easy, CURLOPT_PASSWORD, signing.key.c_str());
}

}  // namespace

class Transport::Impl {
 public:
  explicit Impl(ClientOptions options)
      : options_(std::move(options)),
        handles_(options_.budget.at_once),
        no_proxy_(joined(options_.proxy.none, ",")) {}

  Attempt try_once(const ClientRequest& request, const std::string& origin, Connection connection,
                   const Deadline& deadline, const Sink* sink);

 private:
  Pool<Handle>::Loan borrow(const Deadline& deadline, Attempt& attempt);
  void prepare_connection(CURL* easy) const;
  void prepare_proxy(CURL* easy) const;
  void prepare_exchange(CURL* easy, const ClientRequest& request, bool is_streamed) const;
  std::function<Clock::time_point()> limit_of(const Handle& handle, const Transfer& transfer,
                                              const Deadline& deadline) const;
  std::string connect_failure(CURL* easy) const;
  Failure failure_of(CURL* easy, CURLcode code, const Transfer& transfer) const;
  std::optional<Failure> find_failure(CURL* easy, std::optional<CURLcode> code,
                                      const Deadline& deadline, Transfer& transfer) const;

  const ClientOptions options_;
  Pool<Handle> handles_;
  const std::string no_proxy_;
};

void Transport::Impl::prepare_connection(CURL* easy) const {
  const auto set_text = [&](CURLoption option, const std::string& text) {
    if (!text.empty()) set(easy, option, text.c_str());
  };
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a thread that looks up a name
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.retry.connect_timeout.count()));
  set(easy, CURLOPT_MAXAGE_CONN, static_cast<long>(options_.max_idle.count()));
  set(easy, CURLOPT_MAXLIFETIME_CONN, static_cast<long>(options_.max_age.count()));
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveIdle);
  set(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveInterval);
  set(easy, CURLOPT_SOCKOPTFUNCTION, &on_socket);
  set_text(CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) {
    set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // so that the next connection uses a rotated file
    set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(easy, CURLOPT_KEYPASSWD, "");  // else OpenSSL asks for it on the terminal
  set_text(CURLOPT_SSLCERT, options_.client_certificate_file);
  set_text(CURLOPT_SSLKEY, options_.client_key_file.empty() ? options_.client_certificate_file
                                                            : options_.client_key_file);
}

void Transport::Impl::prepare_proxy(CURL* easy) const {
  // Unlike null, "" ignores the environment.
  set(easy, CURLOPT_PROXY, options_.proxy.url.c_str());
  set(easy, CURLOPT_NOPROXY, no_proxy_.c_str());
  set(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  if (!options_.proxy.login) return;
  set(easy, CURLOPT_PROXYUSERNAME, options_.proxy.login->user.load().c_str());
  set(easy, CURLOPT_PROXYPASSWORD, options_.proxy.login->password.load().c_str());
}

void Transport::Impl::prepare_exchange(CURL* easy, const ClientRequest& request,
                                       bool is_streamed) const {
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_USERAGENT, (std::string("data-platform-exporters/") + kVersion).c_str());
  if (request.signing) set_signing(easy, *request.signing);
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!is_streamed) {
    set(easy, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(options_.max_body));
  }
  if (has_body(request)) {
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  set(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
}

curl::Lines header_lines(const ClientRequest& request) {
  curl::Lines lines;
  const auto add = [&](const std::string& line) {
    curl_slist* const longer = curl::made(curl_slist_append(lines.get(), line.c_str()));
    static_cast<void>(lines.release());
    lines.reset(longer);
  };
  if (has_body(request)) {  // libcurl 7.88 signs these even if there is nothing to remove
    add("Expect:");
    add("Content-Type:");
  }
  for (const auto& [name, value] : request.headers) {
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  return lines;
}

std::string Transport::Impl::connect_failure(CURL* easy) const {
  std::string where;
  if (!options_.unix_socket.empty()) where = "Unix socket " + options_.unix_socket + ": ";
  if (!options_.proxy.url.empty()) where = "proxy: ";
  const long error = info<long>(easy, CURLINFO_OS_ERRNO);
  return where + (error == 0 ? "cannot connect" : curl::errno_text(static_cast<int>(error)));
}

Failure Transport::Impl::failure_of(CURL* easy, CURLcode code, const Transfer& transfer) const {
  using enum Failure::Again;
  const auto again = again_after(transfer);
  if (transfer.refused()) return *transfer.refused();
  const long tunnel = info<long>(easy, CURLINFO_HTTP_CONNECTCODE);
  if (!transfer.is_sent() && tunnel != 0 && tunnel / 100 != 2) {
    const auto why = "proxy: status " + std::to_string(tunnel) + " to CONNECT";
    if (tunnel == 407) return {Reason::auth, why, never};
    return {Reason::connect, why, always};
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return {Reason::timeout, lateness(easy, transfer), again};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Reason::connect, "cannot look up the host name", always};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {Reason::connect, "cannot look up the proxy's host name", always};
    case CURLE_COULDNT_CONNECT: return {Reason::connect, connect_failure(easy), always};
    case CURLE_SSL_CONNECT_ERROR:
      return {Reason::connect, curl::tls_text(transfer.curl_error()), always};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Reason::connect, curl::tls_text(transfer.curl_error()), never};
    case CURLE_SSL_CACERT_BADFILE:
      return {Reason::config, "CA file " + options_.ca_file + ": cannot be used", never};
    case CURLE_SSL_CERTPROBLEM:
      return {Reason::config,
              "client certificate " + options_.client_certificate_file +
                  ": it or its key cannot be used",
              never};
    case CURLE_FILESIZE_EXCEEDED:
      return {Reason::decode, "the response body exceeds the limit", never};
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
      return {Reason::connect, "connection closed before the response", if_repeatable};
    case CURLE_PARTIAL_FILE: return {Reason::connect, kCutShort, if_repeatable};
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return {Reason::connect, broken_off(easy, transfer), again};
    default:
      return {Reason::decode, std::string("malformed reply: ") + curl_easy_strerror(code), again};
  }
}

std::optional<Failure> Transport::Impl::find_failure(CURL* easy, std::optional<CURLcode> code,
                                                     const Deadline& deadline,
                                                     Transfer& transfer) const {
  if (!code) {
    return unfinished(deadline, {Reason::timeout, lateness(easy, transfer), again_after(transfer)});
  }
  return *code == CURLE_OK ? transfer.find_fault() : failure_of(easy, *code, transfer);
}

/// Null if none became free by the deadline.
Pool<Handle>::Loan Transport::Impl::borrow(const Deadline& deadline, Attempt& attempt) {
  if (InSink::of(handles_)) return handles_.borrow_beyond_limit();
  const auto start = Clock::now();
  auto handle = handles_.borrow(deadline);
  attempt.waited = Clock::now() - start;
  if (!handle) {
    attempt.failure = unfinished(
        deadline, Failure{Reason::rate_limited,
                          "not sent: none of " + std::to_string(options_.budget.at_once) +
                              " requests at once, which is the budget, ended before the deadline",
                          Failure::Again::never});
  }
  return handle;
}

/// The time limit of an attempt. The reply over a kept connection must start early enough to leave
/// time for a retry, because nothing arrives if a NAT has dropped the connection.
std::function<Clock::time_point()> Transport::Impl::limit_of(const Handle& handle,
                                                             const Transfer& transfer,
                                                             const Deadline& deadline) const {
  const auto now = Clock::now();
  auto until = deadline.when();
  const auto limit = options_.retry.try_timeout;
  if (limit > limit.zero()) until = std::min(until, now + limit);
  if (!options_.unix_socket.empty()) return [until] { return until; };
  const auto first_byte = std::min(until, now + (deadline.when() - now) / 2);
  return [until, first_byte, easy = handle.easy.get(), &transfer] {
    return is_reused(easy, transfer) && !transfer.has_begun() ? first_byte : until;
  };
}

Attempt Transport::Impl::try_once(const ClientRequest& request, const std::string& origin,
                                  Connection connection, const Deadline& deadline,
                                  const Sink* sink) {
  Attempt attempt;
  curl::initialise();  // here: 2 MB of TLS library that many clients never need
  const auto handle = borrow(deadline, attempt);
  if (!handle) return attempt;
  CURL* const easy = handle->easy.get();
  struct Reset {
    CURL* easy;
    ~Reset() { curl_easy_reset(easy); }
  } const reset{easy};
  const Sink marked = [&](std::string_view piece) {
    const InSink in_sink(handles_);
    (*sink)(piece);
  };
  Transfer transfer(easy, options_.max_body, sink != nullptr ? &marked : nullptr);
  const curl::Lines lines = header_lines(request);
  prepare_connection(easy);
  prepare_proxy(easy);
  prepare_exchange(easy, request, sink != nullptr);
  set(easy, CURLOPT_FRESH_CONNECT, connection == Connection::fresh ? 1L : 0L);
  set(easy, CURLOPT_URL, (origin + request.target).c_str());
  set(easy, CURLOPT_HTTPHEADER, lines.get());
  deadline.count_request();
  const auto code = Running(*handle).finish(limit_of(*handle, transfer, deadline), deadline.stop());
  transfer.rethrow();
  attempt.failure = find_failure(easy, code, deadline, transfer);
  if (!attempt.failure) {
    attempt.response = transfer.take_response();
    attempt.redirect = redirect_of(easy, attempt.response.status);
  }
  if (attempt.failure && transfer.handed_over()) attempt.failure->again = Failure::Again::never;
  attempt.phases = phases_of(easy, transfer);
  return attempt;
}

Transport::Transport(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Transport::~Transport() = default;

Attempt Transport::try_once(const ClientRequest& request, const std::string& origin,
                            Connection connection, const Deadline& deadline, const Sink* sink) {
  return impl_->try_once(request, origin, connection, deadline, sink);
}

}  // namespace exporter::http
