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

/// An access key of AWS, or of what understands its signatures.
struct AwsKeys {
  SecretSource key_id, key;
  std::optional<SecretSource> session_token;
};

/// Signs requests without a body, whose queries are sorted and percent-encoded
/// (docs.aws.amazon.com, "AWS Signature Version 4 for API requests").
Authorize with_aws_signature(std::string region, std::string service, AwsKeys keys);

struct FetchedToken {
  Secret token;
  Clock::time_point expires_at;
};

/// Gets a new token within the deadline, from whoever gives it out (through another client than the
/// one it authorizes) or by signing one (jwt_signer()). Throws Error. One call at a time.
using FetchToken = std::function<FetchedToken(const Deadline&)>;

/// Whether a reply refuses the token that came with the request, so that another one may help; as
/// opposed to a right that is missing. It has no body when a sink had it.
using RefusesToken = std::function<bool(const ClientResponse&)>;

/// "Authorization: Bearer <token>", with a token that all requests share.
///
/// It is fetched when a request needs it, once for all that wait for it, each by its own deadline;
/// and again when three quarters of its life have passed: a failure then goes unnoticed while the
/// old one is good. One that seems to have expired already is used for a second all the same, as
/// clocks differ. A token that is refused is replaced at once.
///
/// A failed fetch is an Error for all that wait, and for all that ask within the next second, two
/// after the second failure in a row, and so on up to a minute, or until its not_before(). So it is
/// with tokens that are refused one after the other before any was accepted: the refusals are
/// handed over. A fetch that its own deadline or a stop ended says nothing to others.
Authorize with_fetched_token(FetchToken fetch, RefusesToken refuses);

}  // namespace exporter::http
