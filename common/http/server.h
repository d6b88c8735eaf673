#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/body.h"

namespace exporter::http {

/// A request as the handler sees it; everything is borrowed until the handler returns.
struct Request {
  std::string_view method, path;  ///< the path is percent-decoded
  std::string_view client;        ///< the peer's address without port
  std::string_view user;          ///< the authenticated user; empty if none is required
  /// The header's value, by name in any case; empty if absent. Values of duplicates are joined by
  /// ",".
  std::function<std::string(std::string_view name)> header;
  /// The percent-decoded values of a query parameter, in order, e.g. of "collect[]".
  std::function<std::vector<std::string>(std::string_view name)> query;
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  Body body;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Answers one request. May block: each connection has a thread of its own. An exception becomes
/// status 500, with a generic body and one log line.
using Handler = std::function<Response(const Request&)>;

struct ServerOptions {
  /// ":9100", "127.0.0.1:9100", "[::1]:9100"; port 0 picks a free one. Host names are resolved.
  std::vector<std::string> listen;
  bool systemd_socket = false;  ///< take the sockets of LISTEN_FDS instead (sd_listen_fds(3))
  std::string web_config_file;  ///< exporter-toolkit's format; empty: plain HTTP, no users
  /// Served without authentication, and in the access log only if the request fails: "/-/healthy".
  std::vector<std::string> open_paths;
  /// Called with the result of each attempt to read a changed web configuration, from any thread.
  std::function<void(bool successful)> web_config_reloaded;
  bool access_log = false;
  std::size_t max_connections = 512;  ///< above it the longest idle connection is closed
  /// How long a client may take to send a request; four times as long between two. Beyond that, a
  /// response must make progress of 64 KiB a second.
  std::chrono::seconds idle_timeout{30};
  std::size_t max_header_bytes = 16 << 10;
};

/// An HTTP/1.1 server with its own threads, which runs from construction to destruction. Methods
/// other than GET, HEAD and POST get 405; request bodies are discarded up to 64 KiB, then 413. An
/// ambiguous head gets 400 (see Framing).
class Server {
 public:
  /// Throws Error{config} if an address is in use; names the address and the flag that changes it.
  Server(ServerOptions options, Handler handler);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The addresses it listens on, with actual ports, e.g. "127.0.0.1:41234", "[::1]:9100".
  std::vector<std::string> addresses() const;
  /// The port of the first address.
  std::uint16_t port() const;
  bool tls() const;

  /// Stops accepting, lets running requests finish for at most `grace`, then closes them; returns
  /// whether all have ended. A handler that still runs is abandoned: what it uses must outlive it.
  bool stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace exporter::http
