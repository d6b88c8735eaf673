#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"

namespace exporter::http {

/// RFC 4648, 4: with "+", "/" and padding.
std::string base64(std::string_view bytes);

/// RFC 4648, 5, as in JSON Web Signature (RFC 7515, 2): with "-", "_" and no padding.
std::string base64url(std::string_view bytes);

/// Decodes the first kind; white space in it and padding are optional, as in PEM. Nothing if there
/// is any other character.
std::optional<Secret> decode_base64(std::string_view text);

}  // namespace exporter::http
