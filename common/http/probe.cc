#include "common/http/probe.h"

#include <algorithm>
#include <chrono>
#include <stop_token>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/http/client_request.h"
#include "common/http/curl.h"
#include "common/http/tls.h"
#include "common/http/url.h"
#include "version.h"

namespace exporter::http {

namespace {

using curl::info;
using curl::set;
using std::chrono::milliseconds;
using Kind = ProbeTarget::Kind;

constexpr std::string_view kTcp = "tcp://";
/// The maximum size of a reply that is read; the rest does not matter for the result.
constexpr std::size_t kMostReceived = 1 << 20;
constexpr milliseconds kLongestPoll{60'000};

[[noreturn]] void refuse(const std::string& why) { throw Error(Reason::config, why); }

bool ends_in_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  return colon != authority.npos &&
         parse_number<std::uint16_t>(authority.substr(colon + 1)).value_or(0) != 0;
}

/// Throws Error{config}. The query is checked separately, because parse_option_url() rejects one.
void check_url(const std::string& url) {
  if (url.find('#') != url.npos) refuse("a target must not contain a fragment");
  const auto query = std::min(url.find('?'), url.size());
  const auto address = parse_option_url("URL", url.substr(0, query), {"http://", "https://"});
  ClientRequest request;
  request.target = address.target + url.substr(query);
  check_shape(request, address.origin);
}

/// What libcurl has received of a reply.
struct Received {
  std::size_t bytes = 0;
  bool body = false;  ///< the body has started
};

std::size_t on_header(char*, std::size_t, std::size_t size, void* user) noexcept {
  auto& received = *static_cast<Received*>(user);
  return (received.bytes += size) > kMostReceived ? 0 : size;
}

std::size_t on_body(char*, std::size_t, std::size_t size, void* user) noexcept {
  static_cast<Received*>(user)->body = true;
  return on_header(nullptr, 1, size, user);
}

/// A transfer that probes one target.
struct Attempt {
  std::size_t index;
  curl::Easy easy{curl::made(curl_easy_init())};
  std::array<char, CURL_ERROR_SIZE> told{};
  Received received{};
  std::optional<Clock::time_point> connected{};  ///< when the TLS handshake began
  std::string certificates{};                    ///< the server's Certificate message of TLS
  bool done = false;
};

/// libcurl calls this between connecting and the TLS handshake.
CURLcode on_connected(CURL*, void*, void* user) noexcept {
  static_cast<Attempt*>(user)->connected = Clock::now();
  return CURLE_OK;
}

/// libcurl calls this, among others, with each decrypted message of an OpenSSL handshake.
int on_debug(CURL*, curl_infotype type, char* data, std::size_t size, void* user) noexcept {
  const std::string_view message(data, size);
  if (type == CURLINFO_SSL_DATA_IN && is_certificate_message(message)) {
    static_cast<Attempt*>(user)->certificates = message;
  }
  return 0;
}

void prepare(Attempt& attempt, const ProbeTarget& target, const std::string& ca_file) {
  CURL* const easy = attempt.easy.get();
  set(easy, CURLOPT_PRIVATE, &attempt);
  set(easy, CURLOPT_URL, target.url.c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(easy, CURLOPT_USERAGENT, (std::string("data-platform-exporters/") + kVersion).c_str());
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // do not wait for a thread that looks up a name
  set(easy, CURLOPT_PROXY, "");       // unlike null, ignores the environment
  set(easy, CURLOPT_FRESH_CONNECT, 1L);
  set(easy, CURLOPT_FORBID_REUSE, 1L);
  set(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  set(easy, CURLOPT_ERRORBUFFER, attempt.told.data());
  set(easy, CURLOPT_HEADERFUNCTION, &on_header);
  set(easy, CURLOPT_HEADERDATA, &attempt.received);
  set(easy, CURLOPT_WRITEFUNCTION, &on_body);
  set(easy, CURLOPT_WRITEDATA, &attempt.received);
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);  // a resumed session would not show the certificate
  set(easy, CURLOPT_VERBOSE, 1L);
  set(easy, CURLOPT_DEBUGFUNCTION, &on_debug);
  set(easy, CURLOPT_DEBUGDATA, &attempt);
  set(easy, CURLOPT_SSL_CTX_FUNCTION, &on_connected);
  set(easy, CURLOPT_SSL_CTX_DATA, &attempt);
  if (!ca_file.empty()) {
    set(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);  // so that the next probe uses a rotated file
    set(easy, CURLOPT_CAINFO, ca_file.c_str());
  }
  // With a directory as well, libcurl would read all authorities again for each handshake.
  if (!ca_file.empty() || curl_version_info(CURLVERSION_NOW)->cainfo != nullptr) {
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  if (target.kind == Kind::tcp) set(easy, CURLOPT_CONNECT_ONLY, 1L);
}

std::string lateness(const ProbeTarget& target, std::size_t phases_done) {
  if (phases_done == 0) return "timed out looking up the host name";
  if (phases_done == 1) return "timed out connecting";
  if (phases_done == 2 && target.kind == Kind::https) return "timed out in the handshake";
  return "timed out waiting for the response";
}

std::string connect_text(CURL* easy) {
  const long error = info<long>(easy, CURLINFO_OS_ERRNO);
  return error == 0 ? "cannot connect" : curl::errno_text(static_cast<int>(error));
}

/// Sets the failure of a transfer that ended with this code.
void set_failure(ProbeResult& result, const Attempt& attempt, CURLcode code) {
  const auto fail = [&](ProbeFailure failure, std::string why) {
    result.failure = failure;
    result.why = std::move(why);
  };
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return fail(ProbeFailure::dns, "cannot look up the host name");
    case CURLE_COULDNT_CONNECT:
      return fail(ProbeFailure::connect, connect_text(attempt.easy.get()));
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return fail(ProbeFailure::tls, curl::tls_text(attempt.told.data()));
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR: {
      // In TLS 1.3 a server rejects a client certificate after the client's handshake has ended.
      const std::string_view told = attempt.told.data();
      if (told.find(" alert ") != told.npos) return fail(ProbeFailure::tls, curl::tls_text(told));
      return fail(ProbeFailure::reply, "the response is truncated or malformed");
    }
    case CURLE_GOT_NOTHING:
      return fail(ProbeFailure::reply, "connection closed before the response");
    default: return fail(ProbeFailure::reply, "the response is truncated or malformed");
  }
}

}  // namespace

ProbeTarget parse_probe_target(const std::string& text) {
  const std::string_view view = text;
  if (view.starts_with(kTcp)) {
    const auto authority = view.substr(kTcp.size());
    ProbeTarget target{Kind::tcp, text, "http://" + std::string(authority)};
    if (!ends_in_port(authority)) refuse("a tcp:// target needs a host and a port, and no path");
    check_url(target.url);
    return target;
  }
  if (!view.starts_with("http://") && !view.starts_with("https://")) {
    refuse("a target begins with tcp://, http:// or https://");
  }
  check_url(text);
  return {view.starts_with("https://") ? Kind::https : Kind::http,
          std::string(view.substr(0, view.find('?'))), text};
}

class Prober::Impl {
 public:
  Impl(std::vector<ProbeTarget> targets, std::string ca_file)
      : targets_(std::move(targets)), ca_file_(std::move(ca_file)) {}

  const std::vector<ProbeTarget>& targets() const { return targets_; }
  std::vector<ProbeResult> probe(const Deadline& deadline);

 private:
  class Round;

  const std::vector<ProbeTarget> targets_;
  const std::string ca_file_;
  curl::Multi multi_;  // kept for the system's authorities, which it has read
};

/// The transfers of one call of probe(); removes them from libcurl on destruction.
class Prober::Impl::Round {
 public:
  explicit Round(const Impl& prober) : prober_(prober), results_(prober.targets_.size()) {
    for (std::size_t i = 0; i < results_.size(); ++i) begin(i);
  }
  ~Round() {
    for (const auto& attempt : attempts_) end(*attempt);
  }
  Round(const Round&) = delete;
  Round& operator=(const Round&) = delete;

  std::vector<ProbeResult> finish(const Deadline& deadline);

 private:
  void begin(std::size_t index);
  void end(Attempt& attempt) const;
  bool perform();
  void take(Attempt& attempt, CURLcode code);
  ProbeResult& measure(const Attempt& attempt);

  const Impl& prober_;
  const Clock::time_point began_ = Clock::now();
  std::vector<std::unique_ptr<Attempt>> attempts_;
  std::vector<ProbeResult> results_;
};

void Prober::Impl::Round::begin(std::size_t index) {
  auto& attempt = *attempts_.emplace_back(std::make_unique<Attempt>(Attempt{index}));
  prepare(attempt, prober_.targets_[index], prober_.ca_file_);
  const auto code = curl_multi_add_handle(prober_.multi_.get(), attempt.easy.get());
  if (code != CURLM_OK) throw Error(Reason::internal, curl_multi_strerror(code));
}

/// Also closes the connection.
void Prober::Impl::Round::end(Attempt& attempt) const {
  if (!attempt.done) curl_multi_remove_handle(prober_.multi_.get(), attempt.easy.get());
  attempt.done = true;
}

/// Makes progress without waiting; returns whether transfers are still running.
bool Prober::Impl::Round::perform() {
  CURLM* const multi = prober_.multi_.get();
  int count = 0;
  if (const auto code = curl_multi_perform(multi, &count); code != CURLM_OK) {
    throw Error(Reason::internal, curl_multi_strerror(code));
  }
  while (const CURLMsg* message = curl_multi_info_read(multi, &count)) {
    take(*info<Attempt*>(message->easy_handle, CURLINFO_PRIVATE), message->data.result);
  }
  return std::any_of(attempts_.begin(), attempts_.end(),
                     [](const auto& attempt) { return !attempt->done; });
}

std::vector<ProbeResult> Prober::Impl::Round::finish(const Deadline& deadline) {
  CURLM* const multi = prober_.multi_.get();
  const std::stop_callback wake(deadline.stop(), [multi] { curl_multi_wakeup(multi); });
  while (perform()) {
    const auto left = std::chrono::ceil<milliseconds>(deadline.when() - Clock::now());
    if (deadline.stop().stop_requested() || left <= milliseconds::zero()) break;
    const auto wait = static_cast<int>(std::min(left, kLongestPoll).count());
    curl_multi_poll(multi, nullptr, 0, wait, nullptr);
  }
  if (deadline.stop().stop_requested()) throw Error(Reason::cancelled, "cancelled");
  for (const auto& attempt : attempts_) {
    if (attempt->done) continue;
    auto& result = measure(*attempt);
    result.failure = ProbeFailure::timeout;
    result.why = lateness(prober_.targets_[attempt->index], result.phases.size());
  }
  return std::move(results_);
}

/// Reads the result of a finished transfer.
void Prober::Impl::Round::take(Attempt& attempt, CURLcode code) {
  auto& result = measure(attempt);
  const bool read_enough = attempt.received.body && attempt.received.bytes > kMostReceived;
  if (code != CURLE_OK && !read_enough) {
    set_failure(result, attempt, code);
  } else if (result.status && *result.status / 100 != 2) {
    result.failure = ProbeFailure::status;
    result.why = "status " + std::to_string(*result.status);
  }
  end(attempt);
}

ProbeResult& Prober::Impl::Round::measure(const Attempt& attempt) {
  CURL* const easy = attempt.easy.get();
  auto& result = results_[attempt.index];
  result.certificate_expiry = earliest_expiry_in_message(attempt.certificates);
  result.seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  result.phases = curl::connection_phases(easy);
  if (result.phases.size() == 1 && attempt.connected) {  // known only after the handshake
    const std::chrono::duration<double> since = *attempt.connected - began_;
    result.phases.emplace_back("connect", std::max(0., since.count() - result.phases[0].second));
  }
  if (attempt.received.bytes == 0) return result;
  result.phases.emplace_back("first_byte", curl::first_byte(easy));
  if (const long status = info<long>(easy, CURLINFO_RESPONSE_CODE); status != 0) {
    result.status = static_cast<int>(status);
  }
  return result;
}

std::vector<ProbeResult> Prober::Impl::probe(const Deadline& deadline) {
  if (targets_.empty()) return {};
  if (!multi_) {
    curl::initialise();
    multi_.reset(curl::made(curl_multi_init()));
  }
  return Round(*this).finish(deadline);
}

Prober::Prober(std::vector<ProbeTarget> targets, std::string ca_file)
    : impl_(std::make_unique<Impl>(std::move(targets), std::move(ca_file))) {}
Prober::~Prober() = default;
Prober::Prober(Prober&&) noexcept = default;
Prober& Prober::operator=(Prober&&) noexcept = default;

const std::vector<ProbeTarget>& Prober::targets() const { return impl_->targets(); }

std::vector<ProbeResult> Prober::probe(const Deadline& deadline) { return impl_->probe(deadline); }

}  // namespace exporter::http
