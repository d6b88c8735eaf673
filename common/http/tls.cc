#include "common/http/tls.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>

#include "common/base/error.h"
#include "common/http/base64.h"

namespace exporter::http {

namespace {

void check(int result, const std::string& what) {
  if (result < 0) throw Error(Reason::config, what + ": " + ::gnutls_strerror(result));
}

gnutls_datum_t datum_of(std::string_view text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

using Credentials = std::unique_ptr<gnutls_certificate_credentials_st,
                                    decltype(&::gnutls_certificate_free_credentials)>;
using Priorities = std::unique_ptr<gnutls_priority_st, decltype(&::gnutls_priority_deinit)>;
using Certificate = std::unique_ptr<gnutls_x509_crt_int, decltype(&::gnutls_x509_crt_deinit)>;

Credentials make_credentials(const WebConfig::Tls& config) {
  gnutls_certificate_credentials_t made = nullptr;
  check(::gnutls_certificate_allocate_credentials(&made), "tls");
  Credentials credentials(made, &::gnutls_certificate_free_credentials);
  const auto certificate = datum_of(config.certificate_pem);
  const auto key = datum_of(config.key_pem.reveal());
  check(::gnutls_certificate_set_x509_key_mem(made, &certificate, &key, GNUTLS_X509_FMT_PEM),
        "the certificate and key cannot be used");
  if (!config.client_ca_pem.empty()) {
    const auto ca = datum_of(config.client_ca_pem);
    const int count = ::gnutls_certificate_set_x509_trust_mem(made, &ca, GNUTLS_X509_FMT_PEM);
    check(count, "client_ca cannot be used");
    if (count == 0) throw Error(Reason::config, "no certificate in client_ca");
  }
  return credentials;
}

Priorities make_priorities(const std::string& text) {
  gnutls_priority_t made = nullptr;
  check(::gnutls_priority_init(&made, text.c_str(), nullptr),
        "the versions, cipher suites and curves are incompatible");
  return {made, &::gnutls_priority_deinit};
}

std::string ip_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() == 4 || bytes.size() == 16) {
    ::inet_ntop(family, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

/// The names of a certificate as Go prints them: DNS, e-mail, URI, IP address.
std::vector<std::string> subject_alternative_names(gnutls_x509_crt_t certificate) {
  std::vector<std::string> names;
  for (unsigned i = 0;; ++i) {
    std::string value(1024, '\0');
    std::size_t size = value.size();
    const int type =
        ::gnutls_x509_crt_get_subject_alt_name(certificate, i, value.data(), &size, nullptr);
    if (type == GNUTLS_E_SHORT_MEMORY_BUFFER) continue;  // longer than any that can be configured
    if (type < 0) return names;
    value.resize(size);
    switch (type) {
      case GNUTLS_SAN_DNSNAME:
      case GNUTLS_SAN_RFC822NAME:
      case GNUTLS_SAN_URI: names.push_back(std::move(value)); break;
      case GNUTLS_SAN_IPADDRESS: names.push_back(ip_text(value)); break;
      default: break;
    }
  }
}

bool has_allowed_name(gnutls_session_t session, const std::vector<std::string>& allowed) {
  unsigned count = 0;
  const auto* chain = ::gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t made = nullptr;
  if (count == 0 || ::gnutls_x509_crt_init(&made) < 0) return false;
  const Certificate certificate(made, &::gnutls_x509_crt_deinit);
  if (::gnutls_x509_crt_import(made, &chain[0], GNUTLS_X509_FMT_DER) < 0) return false;
  return std::ranges::any_of(subject_alternative_names(made), [&](const std::string& name) {
    return std::ranges::find(allowed, name) != allowed.end();
  });
}

/// The type of the Certificate message in a handshake.
constexpr char kCertificateMessage = 11;

/// Removes a field preceded by its size in `width` bytes; nothing if it is truncated.
std::optional<std::string_view> take_sized(std::string_view& bytes, std::size_t width) {
  if (bytes.size() < width) return std::nullopt;
  std::size_t size = 0;
  for (const char byte : bytes.substr(0, width)) {
    size = size << 8 | static_cast<unsigned char>(byte);
  }
  if (bytes.size() - width < size) return std::nullopt;
  const auto content = bytes.substr(width, size);
  bytes.remove_prefix(width + size);
  return content;
}

bool is_trusted_client(gnutls_session_t session) {
  std::string purpose = GNUTLS_KP_TLS_WWW_CLIENT;
  gnutls_typed_vdata_st expected{
      .type = GNUTLS_DT_KEY_PURPOSE_OID,
      .data = reinterpret_cast<unsigned char*>(purpose.data()),
      .size = 0,
  };
  unsigned status = 0;
  return ::gnutls_certificate_verify_peers(session, &expected, 1, &status) >= 0 && status == 0;
}

/// A random key, generated on first use.
const std::array<char, 32>& process_key() {
  static const auto key = [] {
    std::array<char, 32> bytes{};
    if (::gnutls_rnd(GNUTLS_RND_KEY, bytes.data(), bytes.size()) < 0) {
      throw Error(Reason::internal, "no random bytes");
    }
    return bytes;
  }();
  return key;
}

}  // namespace

struct TlsContext::State {
  Credentials credentials;
  Priorities priorities;
  ClientAuth client_auth;
  std::vector<std::string> allowed_names;

  static int verify_client(gnutls_session_t session) noexcept;
};

/// Called during the handshake, with or without a client certificate; zero continues it.
int TlsContext::State::verify_client(gnutls_session_t session) noexcept {
  const auto& state = *static_cast<const State*>(::gnutls_session_get_ptr(session));
  unsigned count = 0;
  const bool given = ::gnutls_certificate_get_peers(session, &count) != nullptr && count > 0;
  const bool required = state.client_auth == ClientAuth::require_any ||
                        state.client_auth == ClientAuth::require_and_verify;
  const bool verified = state.client_auth == ClientAuth::verify_if_given ||
                        state.client_auth == ClientAuth::require_and_verify;
  if (!given) return required ? -1 : 0;
  if (verified && !is_trusted_client(session)) return -1;
  if (state.allowed_names.empty()) return 0;
  return has_allowed_name(session, state.allowed_names) ? 0 : -1;
}

TlsContext::TlsContext(const WebConfig::Tls& config)
    : state_(new State{make_credentials(config), make_priorities(config.priorities),
                       config.client_auth, config.client_allowed_sans}) {}

TlsContext::~TlsContext() = default;

void TlsContext::apply_to(gnutls_session_int* session) const {
  check(::gnutls_priority_set(session, state_->priorities.get()), "tls");
  check(::gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, state_->credentials.get()),
        "tls");
  ::gnutls_session_set_ptr(session, state_.get());
  if (state_->client_auth == ClientAuth::none) return;
  const bool required = state_->client_auth == ClientAuth::require_any ||
                        state_->client_auth == ClientAuth::require_and_verify;
  ::gnutls_certificate_server_set_request(session,
                                          required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
  ::gnutls_session_set_verify_function(session, &State::verify_client);
}

std::optional<double> earliest_expiry(std::string_view pem) {
  const auto text = datum_of(pem);
  gnutls_x509_crt_t* made = nullptr;
  unsigned count = 0;
  if (::gnutls_x509_crt_list_import2(&made, &count, &text, GNUTLS_X509_FMT_PEM, 0) < 0) return {};
  std::optional<double> earliest;
  for (unsigned i = 0; i < count; ++i) {
    const Certificate certificate(made[i], &::gnutls_x509_crt_deinit);
    const auto expiry = static_cast<double>(::gnutls_x509_crt_get_expiration_time(made[i]));
    earliest = std::min(earliest.value_or(expiry), expiry);
  }
  ::gnutls_free(made);
  return earliest;
}

bool is_certificate_message(std::string_view message) {
  if (!message.starts_with(kCertificateMessage)) return false;
  message.remove_prefix(1);
  return take_sized(message, 3) && message.empty();
}

/// TLS 1.3 has a context before the list, and extensions after each certificate.
std::optional<double> earliest_expiry_in_message(std::string_view message) {
  if (!is_certificate_message(message)) return {};
  const auto body = message.substr(4);
  auto rest = body;
  auto list = take_sized(rest, 3);
  const bool is_tls13 = !list || !rest.empty();
  if (is_tls13) {
    rest = body;
    take_sized(rest, 1);
    list = take_sized(rest, 3);
  }
  std::string pem;
  for (rest = list.value_or(""); const auto certificate = take_sized(rest, 3);) {
    pem += "-----BEGIN CERTIFICATE-----\n" + base64(*certificate) + "\n-----END CERTIFICATE-----\n";
    if (is_tls13 && !take_sized(rest, 2)) break;
  }
  return earliest_expiry(pem);
}

std::string keyed_hash(std::string_view text) {
  std::string hash(32, '\0');
  const auto& key = process_key();
  if (::gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), text.data(), text.size(),
                         hash.data()) < 0) {
    throw Error(Reason::internal, "no HMAC-SHA-256");
  }
  return hash;
}

}  // namespace exporter::http
