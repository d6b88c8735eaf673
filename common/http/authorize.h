#pragma once

#include <functional>
#include <optional>
#include <string>

#include "common/base/deadline.h"
#include "common/base/secret.h"
#include "common/http/client.h"

namespace exporter::http {

/// "Authorization: <scheme> <secret>", e.g. Bearer (RFC 6750).
Authorize with_token(std::string scheme, SecretSource token);

/// "Authorization: Basic ..." (RFC 7617).
Authorize with_password(std::string user, SecretSource password);

/// An access key of AWS, or of another service that verifies its signatures.
struct AwsKeys {
  SecretSource key_id, key;
  std::optional<SecretSource> session_token;
};

/// Signs requests without a body whose queries are sorted and percent-encoded (docs.aws.amazon.com,
/// "AWS Signature Version 4 for API requests").
Authorize with_aws_signature(std::string region, std::string service, AwsKeys keys);

struct FetchedToken {
  Secret token;
  Clock::time_point expires_at;
};

/// Obtains a new token within the deadline, from its issuer (through another client than the one it
/// authorizes) or by signing one (jwt_signer()). Throws Error. Called once at a time.
using FetchToken = std::function<FetchedToken(const Deadline&)>;

/// Whether a response rejects the request's token, so that a new one may help, as opposed to a
/// missing privilege. The body is empty if a sink received it.
using RefusesToken = std::function<bool(const ClientResponse&)>;

/// "Authorization: Bearer <token>", with a token that all requests share.
///
/// It is fetched when a request needs it, once for all that wait for it, each with its own
/// deadline; and again after three quarters of its lifetime, so that a failure goes unnoticed while
/// the old token is valid. A token that seems to have expired already is still used for a second,
/// because clocks differ. A rejected token is replaced at once.
///
/// A failed fetch is an Error for all that wait, and for all that ask within the next second, two
/// after the second failure in a row, and so on up to a minute, or until its not_before(). The same
/// holds for tokens that are rejected one after the other before any was accepted: the rejections
/// are returned. A fetch that ended because of its own deadline or a stop does not affect others.
Authorize with_fetched_token(FetchToken fetch, RefusesToken refuses);

}  // namespace exporter::http
