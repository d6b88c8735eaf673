#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/tls_client.h"
#include "tests/support/caught_log.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

namespace exporter::testing {

// Made by crypt(3), cost 4, of "wonderland" and of "builder".
inline constexpr const char* kWonderland =
    "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu";
inline constexpr const char* kBuilder =
    "$2y$04$ABCDEFGHIJKLMNOPQRSTUuQi9GqU/UhgbxLKqHx2NVirX.R16gAYO";
inline constexpr const char* kAsAlice = "Authorization: Basic YWxpY2U6d29uZGVybGFuZA==\r\n";
inline constexpr const char* kAsBob = "Authorization: Basic Ym9iOmJ1aWxkZXI=\r\n";

inline const std::string kTls =
    "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

/// A directory with a web configuration and the certificates that it may name.
class Site {
 public:
  explicit Site(const std::string& yaml) {
    make_authority(path(), "ca");
    make_certificate(path(), "server", "DNS:localhost,IP:127.0.0.1", "ca");
    write("web.yml", yaml);
  }
  const std::filesystem::path& path() const { return directory_.path(); }
  std::string file(const std::string& name) const { return (path() / name).string(); }
  /// Replaces a file atomically, so that no reader sees a part of it.
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(file(name + ".new"), std::ios::binary) << text;
    std::filesystem::rename(file(name + ".new"), file(name));
  }
  http::ServerOptions options() const {
    http::ServerOptions options;
    options.listen = {"127.0.0.1:0"};
    options.web_config_file = file("web.yml");
    options.open_paths = {"/-/healthy"};
    return options;
  }
  TlsOptions with_certificate(const std::string& name) const {
    return {.certificate_file = file(name + ".pem"), .key_file = file(name + ".key")};
  }

 private:
  TemporaryDirectory directory_;
};

/// Returns the name of the user.
inline http::Response page(const http::Request& request) {
  http::Response response;
  response.body = Body("user " + std::string(request.user) + "\n");
  return response;
}

inline std::string get_request(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n";
}

inline std::string get(const http::Server& server, const std::string& path,
                       const std::string& headers = {}) {
  return RawClient(server.port()).say(get_request(path, headers)).read_to_end();
}

inline std::string status(const http::Server& server, const std::string& headers = {}) {
  return status_of(get(server, "/metrics", headers));
}

/// "200", or "refused".
inline std::string tls_status(const http::Server& server, const TlsOptions& options = {}) {
  const auto reply = say_over_tls(server.port(), get_request("/metrics"), options);
  return reply.response.empty() ? "refused" : status_of(reply.response);
}

/// Waits until `is_true` returns true; false after 20 s.
inline bool eventually(const std::function<bool()>& is_true) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (is_true()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace exporter::testing
