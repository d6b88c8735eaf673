#include "common/http/target.h"

#include <algorithm>

#include "common/base/text.h"

namespace exporter::http {

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string form_decoded(std::string_view text) {
  std::string spaced(text);
  std::ranges::replace(spaced, '+', ' ');
  return unescaped(spaced);
}

}  // namespace

Target::Target(std::string_view target) noexcept {
  path = next_part(target, '?');
  query = target;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!path.starts_with(scheme)) continue;
    const auto slash = path.find('/', scheme.size());
    path = slash == std::string_view::npos ? "/" : path.substr(slash);
    return;
  }
}

std::string unescaped(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool escape = text[at] == '%' && at + 2 < text.size();
    const int high = escape ? hex_digit(text[at + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[at + 2]) : -1;
    if (low < 0 || high + low == 0) {
      decoded += text[at];
      continue;
    }
    decoded += static_cast<char>(high * 16 + low);
    at += 2;
  }
  return decoded;
}

std::vector<std::string> values_of(std::string_view query, std::string_view name) {
  std::vector<std::string> values;
  while (!query.empty()) {
    auto value = next_part(query, '&');
    if (form_decoded(next_part(value, '=')) == name) values.push_back(form_decoded(value));
  }
  return values;
}

}  // namespace exporter::http
