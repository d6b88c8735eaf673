#pragma once

#include <optional>
#include <string>

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

}  // namespace exporter::http
