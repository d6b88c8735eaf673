#include "common/http/target.h"

namespace exporter::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::size_t unescape(char* text) noexcept {
  char* to = text;
  for (const char* from = text; *from != '\0'; ++to) {
    const int high = *from == '%' ? hex_digit(from[1]) : -1;
    const int low = high >= 0 ? hex_digit(from[2]) : -1;
    if (low >= 0 && high + low > 0) {
      *to = static_cast<char>(high * 16 + low);
      from += 3;
    } else {
      *to = *from++;
    }
  }
  *to = '\0';
  return static_cast<std::size_t>(to - text);
}

std::string_view without_origin(std::string_view target) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    const auto slash = target.find('/', scheme.size());
    return slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target;
}

}  // namespace exporter::http
