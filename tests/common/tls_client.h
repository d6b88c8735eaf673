#pragma once

#include <cstdint>
#include <string>

namespace exporter::testing {

struct TlsOptions {
  std::string priorities = "NORMAL";                 ///< GnuTLS'
  std::string certificate_file = {}, key_file = {};  ///< the client's, or none
};

struct TlsReply {
  std::string response;     ///< empty if the server closed the connection
  std::string server_name;  ///< common name in its certificate
  std::string version, cipher, group;
};

/// Connects to loopback, performs a handshake without verifying the server, sends `request` and
/// reads to the end. After an error the rest of the reply is empty.
TlsReply say_over_tls(std::uint16_t port, const std::string& request,
                      const TlsOptions& options = {});

}  // namespace exporter::testing
