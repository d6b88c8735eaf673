#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// How places and foreign text are written in error messages.
namespace exporter::path {

/// Appends ".key" (without the dot at the front of `path`), or `["key"]` for a key that is not a
/// plain word.
void append_key(std::string& path, std::string_view key);

/// Appends "[index]".
void append_index(std::string& path, std::size_t index);

/// The text in quotes, cut to 40 bytes, control characters escaped, broken UTF-8 replaced.
std::string quoted(std::string_view text);

}  // namespace exporter::path
