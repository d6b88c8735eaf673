#include "common/config/path.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::path {

namespace {

constexpr std::size_t kMaxQuoted = 40;
constexpr std::string_view kWordCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

bool is_word(std::string_view key) {
  return !key.empty() && key.size() <= kMaxQuoted &&
         key.find_first_not_of(kWordCharacters) == std::string_view::npos;
}

/// At most 40 bytes of `text`, without a partial character.
std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxQuoted) return text;
  std::size_t size = kMaxQuoted;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  if (byte >= 0x20 && byte != 0x7F) {
    out += c;
  } else {
    out += "\\x";
    out += kHex[byte >> 4];
    out += kHex[byte & 0xF];
  }
}

}  // namespace

void append_key(std::string& path, std::string_view key) {
  if (is_word(key)) {
    if (!path.empty()) path += '.';
    path += key;
  } else {
    path += '[' + quoted(key) + ']';
  }
}

void append_index(std::string& path, std::size_t index) {
  path += '[' + std::to_string(index) + ']';
}

std::string quoted(std::string_view text) {
  std::string clean;
  append_utf8(clean, cut(text));
  std::string out = "\"";
  for (const char c : clean) append_escaped(out, c);
  out += text.size() > kMaxQuoted ? "...\"" : "\"";
  return out;
}

}  // namespace exporter::path
