#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/secret.h"

namespace exporter::http {

/// What a client must present, as in exporter-toolkit's `client_auth_type`.
enum class ClientAuth {
  none,               // NoClientCert
  request,            // RequestClientCert
  require_any,        // RequireAnyClientCert
  verify_if_given,    // VerifyClientCertIfGiven
  require_and_verify  // RequireAndVerifyClientCert
};

/// A --web.config.file of Prometheus' exporter-toolkit (docs/web-configuration.md there).
struct WebConfig {
  struct Tls {
    std::string certificate_pem, client_ca_pem;
    Secret key_pem{std::string()};
    ClientAuth client_auth = ClientAuth::none;
    std::vector<std::string> client_allowed_sans;
    /// GnuTLS priority string made of versions, cipher suites and curves. The parts of all suites
    /// are combined: each key exchange is allowed with each cipher, and TLS 1.3 uses those ciphers
    /// too.
    std::string priorities;
  };
  std::optional<Tls> tls;
  std::map<std::string, std::string, std::less<>> users;  ///< name to bcrypt hash
  std::vector<std::pair<std::string, std::string>> headers;
  struct RateLimit {
    std::chrono::milliseconds interval{0};
    std::size_t burst = 0;
  };
  std::optional<RateLimit> rate_limit;
  bool wants_http2 = false;        ///< http2 was requested, which is not supported
  std::vector<std::string> files;  ///< the files that load() read, this one first

  /// Reads the file and those it names; relative paths are relative to its directory. Throws
  /// Error{config} with file, line, column, path and reason. Errors never contain secrets.
  static WebConfig load(const std::string& path);
};

}  // namespace exporter::http
