#pragma once

#include <memory>
#include <string>

#include "common/base/deadline.h"
#include "common/http/client.h"
#include "common/http/exchange.h"

namespace exporter::http {

/// Sends single requests through libcurl, over connections that it keeps. Does not follow redirects
/// or retry. Thread-safe.
class Transport {
 public:
  explicit Transport(ClientOptions options);
  ~Transport();

  /// Sends the request, whose target is complete, to an origin. Ends by the deadline, by the
  /// policy's try_timeout, and soon after a stop was requested. A sink receives the body of a 200
  /// reply.
  Attempt try_once(const ClientRequest& request, const std::string& origin, Connection connection,
                   const Deadline& deadline, const Sink* sink = nullptr);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter::http
