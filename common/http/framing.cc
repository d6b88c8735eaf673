#include "common/http/framing.h"

#include <algorithm>
#include <cstdint>

#include "common/base/text.h"

namespace exporter::http {

namespace {

/// Whether it consists of letters, digits and these characters.
bool consists_of(std::string_view text, std::string_view marks) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           marks.find(c) != marks.npos;
  });
}

/// A `token` of RFC 9110, 5.6.2.
bool is_token(std::string_view text) {
  return !text.empty() && consists_of(text, "!#$%&'*+-.^_`|~");
}

/// A host with an optional port, or empty (RFC 9110, 7.2; RFC 3986, 3.2.2).
bool is_host(std::string_view text) { return consists_of(text, "-._~%!$&'()*+,;=:[]"); }

/// Characters without a meaning to any parser. Non-ASCII bytes, which should be encoded, do no
/// harm.
bool is_target(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
  });
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

constexpr std::uintptr_t kEndOfLine = 2;

/// The distance from `from` to `to`; they need not point into the same array.
std::uintptr_t distance(const char* from, const char* to) {
  return reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from);
}

}  // namespace

Framing::Framing(std::string_view method, std::string_view target, std::string_view version,
                 std::optional<Place> place)
    : place_(place), end_of_last_(version.data() + version.size()), version_(version) {
  const bool is_one_line = !place || (distance(method.data(), place->target) == method.size() + 1 &&
                                      distance(place->target, version.data()) == target.size() + 1);
  if (!is_token(method) || !is_target(target) || !is_one_line) note("malformed request line");
}

void Framing::note(std::string_view fault) {
  if (first_fault_.empty()) first_fault_ = fault;
}

void Framing::add(std::string_view name, std::string_view value) {
  if (!is_token(name)) note("malformed header name");
  if (has_control_character(value)) note("control character in a header");
  if (place_ && distance(end_of_last_, name.data()) > kEndOfLine) {
    note("NUL or folded line in a header");
  }
  end_of_last_ = value.data() + value.size();
  if (equal_ignoring_case(name, "Content-Length")) ++lengths_;
  if (equal_ignoring_case(name, "Transfer-Encoding")) ++encodings_;
  if (!equal_ignoring_case(name, "Host")) return;
  ++hosts_;
  if (!is_host(trim(value))) note("malformed Host");
}

std::optional<Framing::Fault> Framing::fault() const {
  const auto bad_request = [](std::string_view text) { return Fault{400, text}; };
  if (!first_fault_.empty()) return bad_request(first_fault_);
  if (place_ && distance(end_of_last_, place_->end) > 2 * kEndOfLine) {
    return bad_request("NUL in a header");
  }
  if (hosts_ == 0 && version_ != "HTTP/1.0") return bad_request("no Host");
  if (hosts_ > 1) return bad_request("more than one Host");
  if (lengths_ > 1) return bad_request("more than one Content-Length");
  if (encodings_ > 0 && lengths_ > 0) {
    return bad_request("both Content-Length and Transfer-Encoding");
  }
  if (encodings_ > 0) return Fault{411, "a body needs a Content-Length"};
  return std::nullopt;
}

}  // namespace exporter::http
