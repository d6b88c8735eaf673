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

/// What a client must show: Go's five names, as in exporter-toolkit's `client_auth_type`.
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
    /// GnuTLS priority string made of versions, cipher suites and curves. It takes what the suites
    /// name as sets, so that each key exchange goes with each cipher; TLS 1.3 has those ciphers,
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
  bool wants_http2 = false;        ///< http2 was asked for, which is not served
  std::vector<std::string> files;  ///< what load() read: the file itself first

  /// Reads the file and those it names; relative paths are taken from its folder. Throws
  /// Error{config} with file, line, column, path and reason. Secrets never appear in it.
  static WebConfig load(const std::string& path);
};

}  // namespace exporter::http
