#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
    std::string certificate_pem, key_pem, client_ca_pem;
    ClientAuth client_auth = ClientAuth::none;
    std::vector<std::string> client_allowed_sans;
    std::string priorities;  ///< GnuTLS priority string made of min_version, ciphers and curves
  };
  std::optional<Tls> tls;
  std::map<std::string, std::string, std::less<>> users;  ///< name to bcrypt hash
  std::vector<std::pair<std::string, std::string>> headers;
  struct RateLimit {
    std::chrono::milliseconds interval{0};
    std::size_t burst = 0;
  };
  std::optional<RateLimit> rate_limit;

  /// Reads the file and those it names; relative paths are taken from its folder. Throws
  /// Error{config} with file, line, column, path and reason. Secrets never appear in it.
  static WebConfig load(const std::string& path);
};

}  // namespace exporter::http
