#pragma once

#include <cstddef>
#include <string_view>

namespace exporter::http {

/// Decodes "%HH" in place and returns the new length. A malformed escape stays as it is, and so
/// does
/// "%00", which would end the text.
std::size_t unescape(char* text) noexcept;

/// The path of "http://host/path", as a client of a proxy writes it (RFC 9112, 3.2.2); any other
/// target as it is.
std::string_view without_origin(std::string_view target) noexcept;

}  // namespace exporter::http
