#include "common/http/refusal.h"

#include "common/base/text.h"

namespace exporter::http {

namespace {

constexpr std::size_t kMostSaid = 200;  // bytes

Reason reason_of(int status) {
  if (status == 401 || status == 403 || status == 407) return Reason::auth;
  return status == 429 ? Reason::rate_limited : Reason::http_status;
}

}  // namespace

Error refusal(const std::string& what, const ClientResponse& response, std::string_view said) {
  auto text = what + ": status " + std::to_string(response.status);
  if (!said.empty()) text += ": " + printable(said, kMostSaid);
  return {reason_of(response.status), text, response.not_before};
}

}  // namespace exporter::http
