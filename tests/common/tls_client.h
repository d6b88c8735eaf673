#pragma once

#include <cstdint>
#include <string>

namespace exporter::testing {

struct TlsOptions {
  std::string priorities = "NORMAL";                 ///< GnuTLS'
  std::string certificate_file = {}, key_file = {};  ///< the client's, or none
};

struct TlsReply {
  std::string response;     ///< empty when the server ended the connection
  std::string server_name;  ///< common name in its certificate
  std::string version, cipher, group;
};

/// Connects to loopback, shakes hands without checking the server, sends `request` and reads to the
/// end. An error on the way leaves the rest of the reply empty.
TlsReply say_over_tls(std::uint16_t port, const std::string& request,
                      const TlsOptions& options = {});

}  // namespace exporter::testing
