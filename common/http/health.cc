#include "common/http/health.h"

#include "common/base/error.h"
#include "common/http/curl.h"
#include "common/http/listen.h"

namespace exporter::http {

namespace {

bool demands_certificate(const std::optional<WebConfig::Tls>& tls) {
  return tls && (tls->client_auth == ClientAuth::require_any ||
                 tls->client_auth == ClientAuth::require_and_verify);
}

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

int note_handshake(CURL*, curl_infotype type, char*, std::size_t, void* answered) {
  if (type == CURLINFO_SSL_DATA_IN) *static_cast<bool*>(answered) = true;
  return 0;
}

}  // namespace

void ask_health(const std::string& address, const std::string& path,
                const std::optional<WebConfig::Tls>& tls, std::chrono::milliseconds timeout) {
  const auto url = (tls ? "https://" : "http://") + reachable(address) + path;
  bool shook_hands = false;
  curl::initialise();
  const curl::Easy owner(curl::made(curl_easy_init()));
  auto* easy = owner.get();
  curl::set(easy, CURLOPT_URL, url.c_str());
  curl::set(easy, CURLOPT_PROXY, "");
  curl::set(easy, CURLOPT_NOSIGNAL, 1L);
  curl::set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
  curl::set(easy, CURLOPT_SSL_VERIFYPEER, 0L);
  curl::set(easy, CURLOPT_SSL_VERIFYHOST, 0L);
  curl::set(easy, CURLOPT_WRITEFUNCTION, &discard);
  if (demands_certificate(tls)) {
    curl::set(easy, CURLOPT_VERBOSE, 1L);
    curl::set(easy, CURLOPT_DEBUGFUNCTION, &note_handshake);
    curl::set(easy, CURLOPT_DEBUGDATA, &shook_hands);
  }
  const auto code = curl_easy_perform(easy);
  if (shook_hands) return;
  if (code != CURLE_OK) {
    const auto reason = code == CURLE_OPERATION_TIMEDOUT ? Reason::timeout : Reason::connect;
    throw Error(reason, url + ": " + curl_easy_strerror(code));
  }
  const auto status = curl::info<long>(easy, CURLINFO_RESPONSE_CODE);
  if (status != 200) throw Error(Reason::http_status, url + ": status " + std::to_string(status));
}

}  // namespace exporter::http
