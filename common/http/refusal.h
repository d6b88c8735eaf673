#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/http/client.h"

namespace exporter::http {

/// The Error that a reply means which is not the one that was wanted: `auth` of 401, 403 and 407,
/// `rate_limited` of 429, `http_status` of others; with the reply's not_before. Reads
/// "<what>: status 403", and ": <said>" where the caller has a part of the reply for it: 200 bytes
/// at most, made printable. Only what cannot hold a secret may be given: not a body as it is.
Error refusal(const std::string& what, const ClientResponse& response, std::string_view said = {});

}  // namespace exporter::http
