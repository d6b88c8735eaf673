#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/http/web_config.h"

namespace exporter::http {

/// Requests a public page from the server that listens on `address` on this machine, over TLS if it
/// has that, with any certificate. Throws Error{connect | timeout | http_status} unless the status
/// is 200. If the server requires client certificates, a started handshake counts as success.
void ask_health(const std::string& address, const std::string& path,
                const std::optional<WebConfig::Tls>& tls, std::chrono::milliseconds timeout);

}  // namespace exporter::http
