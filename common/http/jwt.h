#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"
#include "common/config/json_object.h"
#include "common/http/authorize.h"

struct gnutls_privkey_st;  // the type behind gnutls_privkey_t

namespace exporter::http {

/// A private RSA key of at least 2048 bits (RFC 7518, 3.3).
class RsaKey {
 public:
  /// Reads PEM: PKCS#8, encrypted or not, or PKCS#1. Throws Error{config} that names the source and
  /// the problem: no key, no passphrase, a wrong one, another kind of key.
  static RsaKey load(const SecretSource& pem, const std::optional<SecretSource>& passphrase);

  /// SHA-256 of the public key as a DER SubjectPublicKeyInfo, in base64.
  std::string fingerprint() const;

  /// The signature of the text: RSASSA-PKCS1-v1_5 with SHA-256, "RS256" (RFC 7518, 3.3).
  std::string sign(std::string_view text) const;

 private:
  struct Free {
    void operator()(gnutls_privkey_st* key) const noexcept;
  };
  explicit RsaKey(std::unique_ptr<gnutls_privkey_st, Free> key) : key_(std::move(key)) {}

  std::unique_ptr<gnutls_privkey_st, Free> key_;
};

/// A JSON Web Token (RFC 7519) with these claims, signed with RS256.
Secret signed_jwt(const RsaKey& key, const JsonObject& claims);

/// Where to read a key in PEM from, and the passphrase if it is encrypted.
struct KeySource {
  SecretSource pem;
  std::optional<SecretSource> passphrase;
};

/// Makes the claims of a token that is signed now by the key with that fingerprint, "iat" and "exp"
/// included.
using JwtClaims =
    std::function<JsonObject(const std::string& fingerprint, std::chrono::sys_seconds now)>;

/// Signs tokens for with_fetched_token(), each valid for `life`. Reads the key again for each
/// token, so that a rotated one takes effect.
FetchToken jwt_signer(KeySource key, JwtClaims claims, std::chrono::seconds life);

}  // namespace exporter::http
