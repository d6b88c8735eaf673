#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/http/client.h"

namespace exporter::http {

/// The Error for a reply with an unwanted status: `auth` for 401, 403 and 407, `rate_limited` for
/// 429, `http_status` for others; with the reply's not_before. Reads "<what>: status 403", and ":
/// <said>" if the caller passes a part of the reply, which is made printable and truncated to 200
/// bytes. It must not hold a secret: never pass a whole body.
Error refusal(const std::string& what, const ClientResponse& response, std::string_view said = {});

}  // namespace exporter::http
