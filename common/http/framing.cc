#include "common/http/framing.h"

#include <algorithm>
#include <cstdint>

#include "common/base/text.h"

namespace exporter::http {

namespace {

/// A `token` of RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

constexpr std::uintptr_t kEndOfLine = 2;

/// How far `to` is behind `from`; they need not be of one array.
std::uintptr_t distance(const char* from, const char* to) {
  return reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from);
}

}  // namespace

Framing::Framing(std::string_view version, const char* end_of_head)
    : version_(version), end_of_head_(end_of_head), end_of_last_(version.data() + version.size()) {}

void Framing::add(std::string_view name, std::string_view value) {
  if (!is_token(name)) fault_ = "malformed header name";
  if (has_control_character(value)) fault_ = "control character in a header";
  if (end_of_head_ != nullptr && distance(end_of_last_, name.data()) > kEndOfLine) {
    fault_ = "NUL or folded line in a header";
  }
  end_of_last_ = value.data() + value.size();
  if (equal_ignoring_case(name, "Host")) ++hosts_;
  if (equal_ignoring_case(name, "Content-Length")) ++lengths_;
  if (!equal_ignoring_case(name, "Transfer-Encoding")) return;
  ++encodings_;
  if (!equal_ignoring_case(trim(value), "chunked")) fault_ = "transfer coding is not chunked";
}

std::optional<std::string_view> Framing::fault() const {
  if (fault_) return fault_;
  if (end_of_head_ != nullptr && distance(end_of_last_, end_of_head_) > 2 * kEndOfLine) {
    return "NUL in a header";
  }
  if (hosts_ > 1) return "more than one Host";
  if (lengths_ > 1) return "more than one Content-Length";
  if (encodings_ > 1) return "more than one Transfer-Encoding";
  if (encodings_ > 0 && lengths_ > 0) return "both Content-Length and Transfer-Encoding";
  if (encodings_ > 0 && version_ == "HTTP/1.0") return "Transfer-Encoding in HTTP/1.0";
  return std::nullopt;
}

}  // namespace exporter::http
