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

struct gnutls_privkey_st;  // what a gnutls_privkey_t points to

namespace exporter::http {

/// A private RSA key of at least 2048 bits (RFC 7518, 3.3).
class RsaKey {
 public:
  /// Reads PEM: PKCS#8, encrypted or not, or PKCS#1. Throws Error{config} that names the source and
  /// says what is wrong: no key, no passphrase, one that does not fit, another kind of key.
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

/// Where a key is: PEM, and the passphrase of an encrypted one.
struct KeySource {
  SecretSource pem;
  std::optional<SecretSource> passphrase;
};

/// The claims of a token that is signed now by the key of that fingerprint. They hold its times:
/// "iat", "exp".
using JwtClaims =
    std::function<JsonObject(const std::string& fingerprint, std::chrono::sys_seconds now)>;

/// What signs tokens for with_fetched_token(), each to be used for `life`. The key is read again
/// for each token, so that a rotated one is used.
FetchToken jwt_signer(KeySource key, JwtClaims claims, std::chrono::seconds life);

}  // namespace exporter::http
