#pragma once

#include <string>

#include "common/base/secret.h"
#include "common/http/client.h"

namespace exporter::http {

/// "Authorization: <scheme> <secret>", e.g. Bearer (RFC 6750).
Authorize with_token(std::string scheme, SecretSource token);

/// "Authorization: Basic ..." (RFC 7617).
Authorize with_password(std::string user, SecretSource password);

}  // namespace exporter::http
