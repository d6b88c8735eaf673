#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/web_config.h"

struct gnutls_session_int;  // what a gnutls_session_t points to

namespace exporter::http {

/// The certificate, priorities and client checks of a TLS server. Immutable, so that threads share
/// it and a new configuration is a new context.
class TlsContext {
 public:
  /// Throws Error{config} when the certificate, key, client CA or priorities cannot be used.
  explicit TlsContext(const WebConfig::Tls& config);
  ~TlsContext();

  /// Has a session that did not begin its handshake use this context, which must outlive it.
  void apply_to(gnutls_session_int* session) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// When the first of the certificates in a PEM text expires, in seconds since 1970; nothing when
/// there is none, or one that cannot be read.
std::optional<double> earliest_expiry(std::string_view pem);

/// Whether a message of a TLS handshake is a Certificate (RFC 5246, 7.4.2; RFC 8446, 4.4.2).
bool is_certificate_message(std::string_view message);
/// When the first of the certificates in such a message expires; nothing of any other.
std::optional<double> earliest_expiry_in_message(std::string_view message);

/// HMAC-SHA-256 of the text under a random key of this process.
std::string keyed_hash(std::string_view text);

}  // namespace exporter::http
