#include "common/http/client_request.h"

#include <algorithm>
#include <array>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::http {

namespace {

constexpr std::size_t kMostPath = 500;  // in an error: a redirect can lead anywhere

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_target(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return c > 0x20 && c < 0x7f && c != '#';
         });
}

bool describes_body(std::string_view header) {
  constexpr std::string_view kPrefix = "content-";
  return header.size() >= kPrefix.size() &&
         std::equal(kPrefix.begin(), kPrefix.end(), header.begin(),
                    [](char a, char b) { return a == b || (a != '-' && a == (b | 0x20)); });
}

}  // namespace

bool is_header_name(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alphanumeric(c) || kMarks.find(c) != kMarks.npos;
  });
}

bool is_header_value(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool may_repeat(const ClientRequest& request) {
  constexpr std::array<std::string_view, 4> kIdempotent = {"GET", "HEAD", "PUT", "DELETE"};
  return request.idempotent ||
         std::find(kIdempotent.begin(), kIdempotent.end(), request.method) != kIdempotent.end();
}

std::string describe(std::string_view method, std::string_view origin, std::string_view target) {
  const auto path = target.substr(0, target.find('?'));
  return std::string(is_header_name(method) ? method : "request") + ' ' + std::string(origin) +
         (is_target(path) ? printable(path, kMostPath) : "/...");
}

void check_shape(const ClientRequest& request, std::string_view origin) {
  const auto refuse = [&](const std::string& why) {
    throw Error(Reason::config, describe(request.method, origin, request.target) + ": " + why);
  };
  if (!is_header_name(request.method)) refuse("the method is not a word");
  if (!is_target(request.target)) {
    refuse("the target does not begin with / or contains a character that must be percent-encoded");
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_header_name(name)) refuse("the name of a header is not a word");
    if (!is_header_value(value)) refuse("header " + name + ": line break or control character");
  }
}

ClientRequest redirected(ClientRequest request, int status, std::string target) {
  request.target = std::move(target);
  const bool turns_to_get = request.method == "POST" ? status <= 303 : status == 303;
  if (turns_to_get && request.method != "HEAD") {
    request.method = "GET";
    request.body.clear();
    std::erase_if(request.headers, [](const auto& header) { return describes_body(header.first); });
  }
  return request;
}

}  // namespace exporter::http
