#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/deadline.h"
#include "common/http/client.h"
#include "common/http/failure.h"
#include "common/http/pace.h"
#include "common/http/url.h"

/// What stands around a single try of a request: redirects, new credentials, pauses and retries.
namespace exporter::http {

/// What a try brought: a failure, or a response.
struct Attempt {
  std::optional<Failure> failure;
  ClientResponse response;
  std::optional<Address> redirect;   ///< where the response sends the client
  bool has_new_credentials = false;  ///< the response refused the old ones
  Clock::duration waited{};          ///< for its turn and for a connection
  /// How long each phase took that happened, in seconds; empty when nothing was tried.
  std::vector<std::pair<std::string_view, double>> phases;
};

/// What a try goes over: a connection that was kept, if there is one, or a new one.
enum class Connection { kept, fresh };

using TryOnce = std::function<Attempt(const ClientRequest&, Connection)>;

/// Tries until there is a reply that is worth handing over, or no time or try is left; then gives
/// the last reply, or throws the last failure as an Error. `pace` says when another try would have
/// its turn.
ClientResponse exchange(ClientRequest request, const std::string& origin,
                        const ClientOptions& options, const Deadline& deadline, const Pace& pace,
                        const TryOnce& try_once);

}  // namespace exporter::http
