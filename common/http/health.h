#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/http/web_config.h"

namespace exporter::http {

/// Asks the server that listens on `address` on this machine for a page that is open to everyone,
/// with TLS if it has that and whatever its certificate is. Throws Error{connect | timeout |
/// http_status} unless the answer is 200. Of a server that demands a certificate of its clients it
/// takes the beginning of the handshake for an answer.
void ask_health(const std::string& address, const std::string& path,
                const std::optional<WebConfig::Tls>& tls, std::chrono::milliseconds timeout);

}  // namespace exporter::http
