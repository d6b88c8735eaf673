#include "common/http/base64.h"

#include <cstdint>
#include <utility>

namespace exporter::http {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode(std::string_view bytes, std::string_view digits) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const auto part = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8 | (i < part.size() ? static_cast<unsigned char>(part[i]) : 0U);
    }
    for (std::size_t i = 0; i <= part.size(); ++i) out += digits[bits >> (18 - 6 * i) & 63];
  }
  return out;
}

}  // namespace

std::string base64(std::string_view bytes) {
  auto out = encode(bytes, kDigits);
  out.append((4 - out.size() % 4) % 4, '=');
  return out;
}

std::string base64url(std::string_view bytes) { return encode(bytes, kUrlDigits); }

std::optional<Secret> decode_base64(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  text = text.substr(0, text.find_last_not_of("= \t\r\n") + 1);
  std::string bytes;
  bytes.reserve(text.size());  // growing would leave a copy of a part behind
  std::uint32_t bits = 0, count = 0;
  bool is_valid = true;
  for (const char c : text) {
    if (kBlank.find(c) != kBlank.npos) continue;
    const auto digit = kDigits.find(c);
    is_valid = is_valid && digit != kDigits.npos;
    bits = bits << 6 | static_cast<std::uint32_t>(digit & 63);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xff);
  }
  Secret decoded(std::move(bytes));
  if (!is_valid) return std::nullopt;
  return decoded;
}

}  // namespace exporter::http
