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

/// What surrounds a single attempt: redirects, new credentials, pauses and retries.
namespace exporter::http {

/// The result of an attempt: a failure, or a response.
struct Attempt {
  std::optional<Failure> failure;
  ClientResponse response;
  std::optional<Address> redirect;   ///< the target of a redirect
  bool has_new_credentials = false;  ///< the response rejected the old ones
  Clock::duration waited{};          ///< for its turn and for a connection
  /// How long each phase took, in seconds; empty if no request was sent.
  std::vector<std::pair<std::string_view, double>> phases;
};

/// The connection of an attempt: a kept one if there is any, or a new one.
enum class Connection { kept, fresh };

using TryOnce = std::function<Attempt(const ClientRequest&, Connection)>;

/// Repeats attempts until there is a final reply, or no time or attempt is left; then returns the
/// last reply, or throws the last failure as an Error. `pace` gives the time of the next attempt.
ClientResponse exchange(ClientRequest request, const std::string& origin,
                        const ClientOptions& options, const Deadline& deadline, const Pace& pace,
                        const TryOnce& try_once);

}  // namespace exporter::http
