#include "common/http/transport.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <new>
#include <optional>
#include <stop_token>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/curl.h"
#include "common/http/pool.h"
#include "version.h"

namespace exporter::http {

namespace {

using curl::info;
using curl::set;
using std::chrono::milliseconds;

constexpr std::size_t kMaxHeaderBytes = 256 << 10;
constexpr std::size_t kMaxHeaderLines = 1000;
constexpr milliseconds kLongestPoll{60'000};
constexpr const char* kCutShort = "the reply was cut short";

/// One connection at a time, and what libcurl needs to keep it.
struct Handle {
  curl::Multi multi{curl::made(curl_multi_init())};
  curl::Easy easy{curl::made(curl_easy_init())};

  Handle() { curl_multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 1L); }
};

/// What one try brings in; filled by libcurl's callbacks.
struct Transfer {
  Transfer(CURL* handle, std::size_t body_limit, const Sink* body_sink)
      : easy(handle), max_body(body_limit), sink(body_sink) {}

  CURL* easy;
  std::size_t max_body;
  const Sink* sink;
  bool handed_over = false;   ///< a piece to the sink
  std::exception_ptr thrown;  ///< by the sink
  std::string body;
  std::size_t header_bytes = 0, header_lines = 0;
  bool headers_ended = false;
  bool sent = false;         ///< the request, or a part of it
  std::string_view refused;  ///< why the reply was not read to its end
  std::array<char, CURL_ERROR_SIZE> curl_error{};
};

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view line(data, size);
  if (line.starts_with("HTTP/")) transfer.headers_ended = false;
  if (line == "\r\n" || line == "\n") transfer.headers_ended = true;
  transfer.header_bytes += size;
  if (transfer.header_bytes > kMaxHeaderBytes || ++transfer.header_lines > kMaxHeaderLines) {
    transfer.refused = "the reply's headers exceed 256 KiB or 1000 lines";
    return 0;
  }
  return size;
}

std::size_t hand_over(Transfer& transfer, std::string_view piece) noexcept {
  transfer.handed_over = true;
  try {
    (*transfer.sink)(piece);
    return piece.size();
  } catch (...) {
    transfer.thrown = std::current_exception();
    return 0;
  }
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.sink != nullptr && info<long>(transfer.easy, CURLINFO_RESPONSE_CODE) == 200) {
    return hand_over(transfer, {data, size});
  }
  if (size > transfer.max_body - transfer.body.size()) {
    transfer.refused = "the reply's body exceeds the limit";
    return 0;
  }
  try {
    transfer.body.append(data, size);
  } catch (const std::bad_alloc&) {
    transfer.refused = "the reply's body does not fit into memory";
    return 0;
  }
  return size;
}

/// Where a kept connection turns out to be closed, libcurl would send any request again by itself;
/// whether that is safe is exchange()'s to decide.
int on_send(void* user, char*, char*, int, int) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  if (transfer.sent) return CURL_PREREQFUNC_ABORT;
  transfer.sent = true;
  return CURL_PREREQFUNC_OK;
}

/// A try in libcurl's hands, until destruction takes it back.
class Running {
 public:
  explicit Running(const Handle& handle) : handle_(handle) {
    const auto code = curl_multi_add_handle(handle_.multi.get(), handle_.easy.get());
    if (code != CURLM_OK) throw Error(Reason::internal, curl_multi_strerror(code));
  }
  ~Running() { curl_multi_remove_handle(handle_.multi.get(), handle_.easy.get()); }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// What the try ended with; nothing when it was stopped or ran out of time.
  std::optional<CURLcode> finish(Clock::time_point until, const std::stop_token& stop) {
    CURLM* const multi = handle_.multi.get();
    const std::stop_callback wake(stop, [multi] { curl_multi_wakeup(multi); });
    while (true) {
      int count = 0;
      if (const auto code = curl_multi_perform(multi, &count); code != CURLM_OK) {
        throw Error(Reason::internal, curl_multi_strerror(code));
      }
      if (const CURLMsg* message = curl_multi_info_read(multi, &count)) return message->data.result;
      const auto left = std::chrono::ceil<milliseconds>(until - Clock::now());
      if (stop.stop_requested() || left <= milliseconds::zero()) return {};
      const auto wait = static_cast<int>(std::min(left, kLongestPoll).count());
      curl_multi_poll(multi, nullptr, 0, wait, nullptr);
    }
  }

 private:
  const Handle& handle_;
};

std::string broken_off(CURL* easy, const Transfer& transfer) {
  if (const long error = info<long>(easy, CURLINFO_OS_ERRNO); error != 0) {
    return curl::errno_text(static_cast<int>(error));
  }
  const std::string_view text = transfer.curl_error.data();
  return text.find("SSL") != text.npos ? curl::tls_text(transfer.curl_error.data())
                                       : "the reply was cut short or is malformed";
}

std::string lateness(CURL* easy, const Transfer& transfer) {
  if (transfer.header_bytes > 0) return "timed out reading the reply";
  if (transfer.sent) return "timed out waiting for the reply";
  if (info<long>(easy, CURLINFO_NUM_CONNECTS) > 0) return "timed out in the handshake";
  if (info<curl_off_t>(easy, CURLINFO_NAMELOOKUP_TIME_T) > 0) return "timed out connecting";
  return "timed out looking up the host name";
}

Failure::Again again_after(const Transfer& transfer) {
  return transfer.sent ? Failure::Again::if_repeatable : Failure::Again::always;
}

/// Why nothing came of a try that ended before it was done.
Failure unfinished(const Deadline& deadline, std::string why_late, Failure::Again again) {
  if (deadline.stop().stop_requested()) {
    return {Reason::cancelled, "cancelled", Failure::Again::never};
  }
  return {Reason::timeout, std::move(why_late), again};
}

ClientResponse take_response(CURL* easy, Transfer& transfer) {
  ClientResponse response;
  response.status = static_cast<int>(info<long>(easy, CURLINFO_RESPONSE_CODE));
  response.body = std::move(transfer.body);
  curl_header* header = nullptr;
  while ((header = curl_easy_nextheader(easy, CURLH_HEADER, -1, header)) != nullptr) {
    const std::string_view value = trim(header->value);  // libcurl 7.88 leaves "\r" of an empty one
    const auto [at, fresh] = response.headers.try_emplace(curl::lower(header->name), value);
    if (!fresh) at->second.append(", ").append(value);
  }
  return response;
}

std::optional<Address> redirect_of(CURL* easy, int status) {
  constexpr std::array kRedirects = {301, 302, 303, 307, 308};
  if (std::find(kRedirects.begin(), kRedirects.end(), status) == kRedirects.end()) return {};
  const char* location = info<const char*>(easy, CURLINFO_REDIRECT_URL);
  return location != nullptr ? parse_url(location) : std::nullopt;
}

curl::Phases phases_of(CURL* easy, const Transfer& transfer) {
  const bool reused = transfer.sent && info<long>(easy, CURLINFO_NUM_CONNECTS) == 0;
  auto phases = reused ? curl::Phases{} : curl::connection_phases(easy);
  if (transfer.header_bytes > 0) phases.emplace_back("first_byte", curl::first_byte(easy));
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
  set(easy, CURLOPT_USERNAME, std::string(signing.key_id.reveal()).c_str());
  set(easy, CURLOPT_PASSWORD, std::string(signing.key.reveal()).c_str());
}

}  // namespace

class Transport::Impl {
 public:
  explicit Impl(ClientOptions options)
      : options_(std::move(options)),
        handles_(std::max<std::size_t>(options_.max_connections, 1)) {}

  Outcome try_once(const ClientRequest& request, const std::string& origin,
                   const Deadline& deadline, const Sink* sink);

 private:
  void prepare_connection(CURL* easy) const;
  void prepare_exchange(CURL* easy, const ClientRequest& request, Transfer& transfer) const;
  std::string connect_failure(CURL* easy) const;
  Failure failure_of(CURL* easy, CURLcode code, const Transfer& transfer) const;

  const ClientOptions options_;
  Pool<Handle> handles_;
};

void Transport::Impl::prepare_connection(CURL* easy) const {
  const auto set_text = [&](CURLoption option, const std::string& text) {
    if (!text.empty()) set(easy, option, text.c_str());
  };
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a thread that looks up a name is not waited for
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options_.retry.connect_timeout.count()));
  set(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  set(easy, CURLOPT_PROXY, options_.proxy.c_str());  // "", unlike null, shuts out the environment
  set(easy, CURLOPT_NOPROXY, "");
  set(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set_text(CURLOPT_UNIX_SOCKET_PATH, options_.unix_socket);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options_.ca_file.empty()) {
    set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // a rotated file is seen by the next connection
    set(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set_text(CURLOPT_SSLCERT, options_.client_certificate_file);
  set_text(CURLOPT_SSLKEY, options_.client_key_file.empty() ? options_.client_certificate_file
                                                            : options_.client_key_file);
}

void Transport::Impl::prepare_exchange(CURL* easy, const ClientRequest& request,
                                       Transfer& transfer) const {
  set(easy, CURLOPT_PATH_AS_IS, 1L);
  set(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
  set(easy, CURLOPT_USERAGENT, (std::string("data-platform-exporters/") + kVersion).c_str());
  set(easy, CURLOPT_ERRORBUFFER, transfer.curl_error.data());
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, &transfer);
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, &transfer);
  set(easy, CURLOPT_PREREQFUNCTION, &on_send);
  set(easy, CURLOPT_PREREQDATA, &transfer);
  if (request.signing) set_signing(easy, *request.signing);
  if (request.method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (transfer.sink == nullptr) {
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
  if (has_body(request)) {  // libcurl 7.88 signs these even where there is nothing to take away
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
  if (!options_.proxy.empty()) where = "proxy: ";
  const long error = info<long>(easy, CURLINFO_OS_ERRNO);
  return where + (error == 0 ? "cannot connect" : curl::errno_text(static_cast<int>(error)));
}

Failure Transport::Impl::failure_of(CURL* easy, CURLcode code, const Transfer& transfer) const {
  using enum Failure::Again;
  const auto again = again_after(transfer);
  if (!transfer.refused.empty()) return {Reason::decode, std::string(transfer.refused), never};
  const long tunnel = info<long>(easy, CURLINFO_HTTP_CONNECTCODE);
  if (!transfer.sent && tunnel != 0 && tunnel / 100 != 2) {
    return {Reason::connect, "proxy: status " + std::to_string(tunnel) + " to CONNECT", always};
  }
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return {Reason::timeout, lateness(easy, transfer), again};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Reason::connect, "cannot look up the host name", always};
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {Reason::connect, "cannot look up the proxy's host name", always};
    case CURLE_COULDNT_CONNECT: return {Reason::connect, connect_failure(easy), always};
    case CURLE_SSL_CONNECT_ERROR:
      return {Reason::connect, curl::tls_text(transfer.curl_error.data()), always};
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Reason::connect, curl::tls_text(transfer.curl_error.data()), never};
    case CURLE_SSL_CACERT_BADFILE:
      return {Reason::config, "CA file " + options_.ca_file + ": cannot be used", never};
    case CURLE_SSL_CERTPROBLEM:
      return {Reason::config,
              "client certificate " + options_.client_certificate_file +
                  ": it or its key cannot be used",
              never};
    case CURLE_WRITE_ERROR:
    case CURLE_BAD_CONTENT_ENCODING:
      return {Reason::decode, "the reply's compression is unknown or broken", again};
    case CURLE_FILESIZE_EXCEEDED:
      return {Reason::decode, "the reply's body exceeds the limit", never};
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_GOT_NOTHING:
      return {Reason::connect, "connection closed before the reply", if_repeatable};
    case CURLE_PARTIAL_FILE: return {Reason::connect, kCutShort, if_repeatable};
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return {Reason::connect, broken_off(easy, transfer), again};
    default:
      return {Reason::decode, std::string("malformed reply: ") + curl_easy_strerror(code), again};
  }
}

Outcome Transport::Impl::try_once(const ClientRequest& request, const std::string& origin,
                                  const Deadline& deadline, const Sink* sink) {
  Outcome outcome;
  curl::initialise();  // not before: 2 MB of a TLS library that many a client never needs
  const auto handle = handles_.borrow(deadline);
  if (!handle) {
    outcome.failure = unfinished(deadline, "no connection came free", Failure::Again::always);
    return outcome;
  }
  CURL* const easy = handle->easy.get();
  struct Reset {
    CURL* easy;
    ~Reset() { curl_easy_reset(easy); }
  } const reset{easy};
  Transfer transfer(easy, options_.max_body, sink);
  const curl::Lines lines = header_lines(request);
  prepare_connection(easy);
  prepare_exchange(easy, request, transfer);
  set(easy, CURLOPT_URL, (origin + request.target).c_str());
  set(easy, CURLOPT_HTTPHEADER, lines.get());
  const auto limit = options_.retry.try_timeout;
  const auto until =
      limit > limit.zero() ? std::min(deadline.when(), Clock::now() + limit) : deadline.when();
  const auto code = Running(*handle).finish(until, deadline.stop());
  if (transfer.thrown) std::rethrow_exception(transfer.thrown);
  if (!code) {
    outcome.failure = unfinished(deadline, lateness(easy, transfer), again_after(transfer));
  } else if (code != CURLE_OK) {
    outcome.failure = failure_of(easy, *code, transfer);
  } else if (!transfer.headers_ended || info<long>(easy, CURLINFO_RESPONSE_CODE) < 200) {
    outcome.failure = {Reason::connect, kCutShort, Failure::Again::if_repeatable};
  } else {
    outcome.response = take_response(easy, transfer);
    outcome.redirect = redirect_of(easy, outcome.response.status);
  }
  if (outcome.failure && transfer.handed_over) outcome.failure->again = Failure::Again::never;
  outcome.phases = phases_of(easy, transfer);
  return outcome;
}

Transport::Transport(ClientOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Transport::~Transport() = default;

Outcome Transport::try_once(const ClientRequest& request, const std::string& origin,
                            const Deadline& deadline, const Sink* sink) {
  return impl_->try_once(request, origin, deadline, sink);
}

}  // namespace exporter::http
