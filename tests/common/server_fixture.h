#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/http/server.h"
#include "tests/common/raw_client.h"

namespace exporter::testing {

inline http::ServerOptions on_loopback() {
  http::ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  return options;
}

inline http::Response text(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = Body(std::move(body));
  return response;
}

/// The request as the server parsed it.
inline http::Response echo(const http::Request& request) {
  if (request.path == "/missing") return text("nothing here\n", 404);
  std::string seen = std::string(request.method) + " " + std::string(request.path) + "\n";
  seen += "client " + std::string(request.client) + "\n";
  seen += "x-test " + request.header("x-test") + "\n";
  for (const auto& value : request.query("collect[]")) seen += "collect " + value + "\n";
  return text(seen);
}

inline std::string get(const http::Server& server, const std::string& target) {
  return RawClient(server.port())
      .say("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      .read_to_end();
}

/// Whether nothing listens on that port of 127.0.0.1.
inline bool refuses_connects(std::uint16_t port) {
  try {
    const RawClient client(port);
    return false;
  } catch (const Error& error) {
    return std::string(error.what()) == "connect: Connection refused";
  }
}

}  // namespace exporter::testing
