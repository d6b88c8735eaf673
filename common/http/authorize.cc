#include "common/http/authorize.h"

#include <memory>

#include "common/http/base64.h"

namespace exporter::http {
namespace {

constexpr std::string_view kHeader = "Authorization";
/// SHA-256 of no bytes. S3 requires it as a header, which libcurl 7.88 does not send.
constexpr std::string_view kHashOfNothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace

Authorize with_token(std::string scheme, SecretSource token) {
  return {[scheme = std::move(scheme), token = std::move(token)](ClientRequest& request,
                                                                 const Deadline&) {
    request.headers.emplace_back(kHeader, scheme + ' ' + std::string(token.load().reveal()));
  }};
}

Authorize with_password(std::string user, SecretSource password) {
  return {[user = std::move(user), password = std::move(password)](ClientRequest& request,
                                                                   const Deadline&) {
    const Secret both(user + ':' + std::string(password.load().reveal()));
    request.headers.emplace_back(kHeader, "Basic " + base64(both.reveal()));
  }};
}

Authorize with_aws_signature(std::string region, std::string service, AwsKeys keys) {
  return {[region = std::move(region), service = std::move(service), keys = std::move(keys)](
              ClientRequest& request, const Deadline&) {
    request.signing = std::make_shared<const AwsSigning>(
        AwsSigning{region, service, keys.key_id.load(), keys.key.load()});
    request.headers.emplace_back("X-Amz-Content-Sha256", kHashOfNothing);
    if (keys.session_token) {
      request.headers.emplace_back("X-Amz-Security-Token", keys.session_token->load().reveal());
    }
  }};
}

}  // namespace exporter::http
