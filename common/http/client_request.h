#pragma once

#include <string>
#include <string_view>

#include "common/http/client.h"

/// Properties of a request that are known before it is sent.
namespace exporter::http {

/// A token (RFC 9110, 5.6.2): the name of a header, or a method.
bool is_header_name(std::string_view text);
/// Visible characters, blanks, tabs and bytes above ASCII (RFC 9110, 5.5).
bool is_header_value(std::string_view text);

/// Whether it may be repeated (RFC 9110, 9.2.2).
bool may_repeat(const ClientRequest& request);

/// "GET https://host/path": how errors refer to the request. Without the query, which may hold
/// secrets, and with at most 500 bytes of the path.
std::string describe(std::string_view method, std::string_view origin, std::string_view target);

/// Throws Error{config} if a part of it would change the shape of what is sent: a method or a
/// header name that is not a token (RFC 9110, 5.6.2), a target or a header value with a line break
/// or another control character. Never quotes a value.
void check_shape(const ClientRequest& request, std::string_view origin);

/// The request that follows a redirect of this status to `target`: 303, and 301 and 302 after a
/// POST, turn it into a GET without a body (RFC 9110, 15.4).
ClientRequest redirected(ClientRequest request, int status, std::string target);

}  // namespace exporter::http
