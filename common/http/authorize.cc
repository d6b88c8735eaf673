#include "common/http/authorize.h"

#include <cstdint>
#include <memory>

namespace exporter::http {
namespace {

constexpr std::string_view kHeader = "Authorization";
/// SHA-256 of no bytes. S3 wants to be told it, and libcurl 7.88 does not.
constexpr std::string_view kHashOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// RFC 4648, 4.
std::string encode_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const auto part = text.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out += i <= part.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
    }
  }
  return out;
}

}  // namespace

Authorize with_token(std::string scheme, SecretSource token) {
  const auto source = std::make_shared<const SecretSource>(std::move(token));
  return [scheme = std::move(scheme), source](ClientRequest& request) {
    request.headers.emplace_back(kHeader, scheme + ' ' + std::string(source->load().reveal()));
  };
}

Authorize with_password(std::string user, SecretSource password) {
  const auto source = std::make_shared<const SecretSource>(std::move(password));
  return [user = std::move(user), source](ClientRequest& request) {
    const auto secret = source->load();
    const Secret both(user + ':' + std::string(secret.reveal()));
    request.headers.emplace_back(kHeader, "Basic " + encode_base64(both.reveal()));
  };
}

Authorize with_aws_signature(std::string region, std::string service, AwsKeys keys) {
  const auto shared = std::make_shared<const AwsKeys>(std::move(keys));
  return [region = std::move(region), service = std::move(service),
          shared](ClientRequest& request) {
    request.signing = std::make_shared<const AwsSigning>(
        AwsSigning{region, service, shared->key_id.load(), shared->key.load()});
    request.headers.emplace_back("X-Amz-Content-Sha256", kHashOfNothing);
    if (shared->session_token) {
      request.headers.emplace_back("X-Amz-Security-Token", shared->session_token->load().reveal());
    }
  };
}

}  // namespace exporter::http
