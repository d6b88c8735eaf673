#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/http/client.h"
#include "common/http/url.h"

/// What stands around a single try of a request: redirects, pauses and retries.
namespace exporter::http {

/// Why a try brought no whole reply, and which requests may be tried again after it.
struct Failure {
  enum class Again { never, if_repeatable, always };
  Reason reason;
  std::string why;
  Again again;
};

/// What a try brought: a failure, or a response.
struct Outcome {
  std::optional<Failure> failure;
  ClientResponse response;
  std::optional<Address> redirect;  ///< where the response sends the client
  /// How long each phase took that happened, in seconds; empty when nothing was tried.
  std::vector<std::pair<std::string_view, double>> phases;
};

using TryOnce = std::function<Outcome(const ClientRequest&)>;

/// Tries until there is a reply that is worth handing over, or no time or try is left; then gives
/// the last reply, or throws the last failure as an Error.
ClientResponse exchange(ClientRequest request, const std::string& origin,
                        const ClientOptions& options, const Deadline& deadline,
                        const TryOnce& try_once);

}  // namespace exporter::http
