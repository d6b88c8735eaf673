#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/http/web_config.h"

struct gnutls_session_int;  // the type behind gnutls_session_t

namespace exporter::http {

/// The certificate, priorities and client checks of a TLS server. Immutable, so that threads can
/// share it; a new configuration is a new context.
class TlsContext {
 public:
  /// Throws Error{config} if the certificate, key, client CA or priorities are invalid.
  explicit TlsContext(const WebConfig::Tls& config);
  ~TlsContext();

  /// Makes a session use this context, which must outlive it. Call it before the handshake.
  void apply_to(gnutls_session_int* session) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// When the first of the certificates in a PEM text expires, in seconds since 1970; nothing if it
/// has none, or one that cannot be read.
std::optional<double> earliest_expiry(std::string_view pem);

/// Whether a TLS handshake message is a Certificate (RFC 5246, 7.4.2; RFC 8446, 4.4.2).
bool is_certificate_message(std::string_view message);
/// When the first of the certificates in such a message expires; nothing for any other message.
std::optional<double> earliest_expiry_in_message(std::string_view message);

/// HMAC-SHA-256 of the text with a random key of this process.
std::string keyed_hash(std::string_view text);

}  // namespace exporter::http
