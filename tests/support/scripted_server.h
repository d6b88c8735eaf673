#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A connection used by a script. Reads end and writes fail once the server is destroyed.
class Peer {
 public:
  virtual ~Peer() = default;

  /// The next request, headers and body as received; empty if the client has closed.
  virtual std::string read_request() = 0;
  /// False when the client no longer reads.
  virtual bool write(std::string_view bytes) = 0;
  /// Waits until the client has closed the connection.
  virtual void wait_closed() = 0;
  /// Closes with a reset instead of an orderly end.
  virtual void reset() = 0;
  /// The number of this connection, from 1.
  virtual std::size_t number() const = 0;
};

/// Handles a connection, which is closed when the script returns.
using Script = std::function<void(Peer&)>;

/// A server that misbehaves according to a script, with its own threads, each connection
/// independently, from construction to destruction.
class ScriptedServer {
 public:
  struct Tls {
    std::filesystem::path certificate, key;
    std::filesystem::path client_ca;  ///< empty: does not request a client certificate
    std::string priorities = "NORMAL";
  };

  /// Listens on a free port of 127.0.0.1.
  explicit ScriptedServer(Script script, std::optional<Tls> tls = {});
  /// Listens on a Unix socket.
  ScriptedServer(const std::filesystem::path& socket, Script script);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const;
  /// "http://127.0.0.1:41234", or https.
  std::string url() const;
  std::size_t connections() const;
  /// All requests read so far, in order.
  std::vector<std::string> requests() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// A whole reply with a Content-Length.
std::string reply(int status, std::string_view body, std::string_view more_headers = "");

/// A script that answers each request, on any connection, with the reply of a function.
Script answer(std::function<std::string(const std::string& request)> function);

/// A port of 127.0.0.1 on which nothing listens.
std::uint16_t closed_port();
