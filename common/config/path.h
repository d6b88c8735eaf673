#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// How error messages write positions and text from others.
namespace exporter::path {

/// Appends ".key" (without the dot if `path` is empty), or `["key"]` if the key is not a plain
/// word.
void append_key(std::string& path, std::string_view key);

/// Appends "[index]".
void append_index(std::string& path, std::size_t index);

/// The text in quotes, truncated to 40 bytes, with control characters escaped and invalid UTF-8
/// replaced.
std::string quoted(std::string_view text);

}  // namespace exporter::path
