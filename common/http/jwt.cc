#include "common/http/jwt.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <array>

#include "common/base/error.h"
#include "common/http/base64.h"

namespace exporter::http {

namespace {

constexpr unsigned kLeastBits = 2048;

using PublicKey = std::unique_ptr<gnutls_pubkey_st, decltype(&::gnutls_pubkey_deinit)>;

struct Allocated {
  gnutls_datum_t datum{};

  Allocated() = default;
  ~Allocated() { ::gnutls_free(datum.data); }
  Allocated(const Allocated&) = delete;
  Allocated& operator=(const Allocated&) = delete;
  std::string_view text() const { return {reinterpret_cast<const char*>(datum.data), datum.size}; }
};

void check(int result, const char* what) {
  if (result < 0) {
    throw Error(Reason::internal, std::string(what) + ": " + ::gnutls_strerror(result));
  }
}

gnutls_datum_t datum_of(std::string_view text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

/// Whether the PEM is encrypted: PKCS#8 by its label, PKCS#1 by a header.
bool is_encrypted(std::string_view pem) {
  return pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != pem.npos ||
         pem.find("Proc-Type: 4,ENCRYPTED") != pem.npos;
}

/// Decodes an unencrypted PEM key. GnuTLS 3.7 would leave a copy of the text in memory that it
/// frees.
std::optional<Secret> decode_plain(std::string_view pem) {
  for (const std::string label : {"PRIVATE KEY", "RSA PRIVATE KEY"}) {
    const auto begin = "-----BEGIN " + label + "-----", end = "-----END " + label + "-----";
    const auto at = pem.find(begin), stop = pem.find(end);
    if (at == pem.npos || stop == pem.npos || stop < at) continue;
    return decode_base64(pem.substr(at + begin.size(), stop - at - begin.size()));
  }
  return std::nullopt;
}

int read_key(gnutls_privkey_t key, const Secret& encoded, gnutls_x509_crt_fmt_t format,
             const char* passphrase) {
  const auto datum = datum_of(encoded.reveal());
  return ::gnutls_privkey_import_x509_raw(key, &datum, format, passphrase, 0);
}

std::string because(int result) { return std::string(" (") + ::gnutls_strerror(result) + ')'; }

}  // namespace

void RsaKey::Free::operator()(gnutls_privkey_st* key) const noexcept {
  ::gnutls_privkey_deinit(key);
}

RsaKey RsaKey::load(const SecretSource& pem, const std::optional<SecretSource>& passphrase) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Reason::config, "private key, " + pem.name() + ": " + why);
  };
  const Secret text = pem.load();
  gnutls_privkey_t made = nullptr;
  check(::gnutls_privkey_init(&made), "private key");
  RsaKey key{std::unique_ptr<gnutls_privkey_st, Free>(made)};
  if (is_encrypted(text.reveal())) {
    if (!passphrase) refuse("it is encrypted and no passphrase is given");
    const int result = read_key(made, text, GNUTLS_X509_FMT_PEM, passphrase->load().c_str());
    if (result < 0) {
      refuse("the passphrase (" + passphrase->name() +
             ") is wrong, or the encryption is not supported" + because(result));
    }
  } else {
    const auto der = decode_plain(text.reveal());
    if (!der) refuse("no private key in PEM");
    const int result = read_key(made, *der, GNUTLS_X509_FMT_DER, nullptr);
    if (result < 0) refuse("an unusable private key in PEM" + because(result));
  }
  unsigned bits = 0;
  if (::gnutls_privkey_get_pk_algorithm(made, &bits) != GNUTLS_PK_RSA) refuse("not an RSA key");
  if (bits < kLeastBits) {
    refuse("an RSA key of " + std::to_string(bits) + " bits; expected at least 2048");
  }
  return key;
}

std::string RsaKey::fingerprint() const {
  gnutls_pubkey_t made = nullptr;
  check(::gnutls_pubkey_init(&made), "public key");
  const PublicKey owner(made, &::gnutls_pubkey_deinit);
  check(::gnutls_pubkey_import_privkey(made, key_.get(), 0, 0), "public key");
  Allocated der;
  check(::gnutls_pubkey_export2(made, GNUTLS_X509_FMT_DER, &der.datum), "public key");
  std::array<char, 32> hash{};
  check(::gnutls_hash_fast(GNUTLS_DIG_SHA256, der.datum.data, der.datum.size, hash.data()),
        "SHA-256");
  return base64({hash.data(), hash.size()});
}

std::string RsaKey::sign(std::string_view text) const {
  const auto datum = datum_of(text);
  Allocated signature;
  check(
      ::gnutls_privkey_sign_data2(key_.get(), GNUTLS_SIGN_RSA_SHA256, 0, &datum, &signature.datum),
      "RS256");
  return std::string(signature.text());
}

Secret signed_jwt(const RsaKey& key, const JsonObject& claims) {
  const auto text = base64url(R"({"alg":"RS256","typ":"JWT"})") + '.' + base64url(claims.text());
  return Secret(text + '.' + base64url(key.sign(text)));
}

FetchToken jwt_signer(KeySource key, JwtClaims claims, std::chrono::seconds life) {
  return [key = std::move(key), claims = std::move(claims), life](const Deadline&) -> FetchedToken {
    const auto loaded = RsaKey::load(key.pem, key.passphrase);
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    return {signed_jwt(loaded, claims(loaded.fingerprint(), now)), Clock::now() + life};
  };
}

}  // namespace exporter::http
