#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/base/secret.h"

namespace exporter::http {

/// RFC 4648, 4: with "+", "/" and padding.
std::string base64(std::string_view bytes);

/// RFC 4648, 5, as JSON Web Signature writes it (RFC 7515, 2): with "-", "_" and no padding.
std::string base64url(std::string_view bytes);

/// What a text of the first kind stands for; white space in it and padding at its end may be there,
/// as in PEM. Nothing when another character is.
std::optional<Secret> decode_base64(std::string_view text);

}  // namespace exporter::http
