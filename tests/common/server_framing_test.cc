// Request heads that two parsers can read as different requests (RFC 9110, RFC 9112).

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/server_fixture.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::string_literals;
using http::Server;

namespace {

const std::string kHost = "Host: x\r\n";

/// All bytes that the server sends before it ends the connection.
std::string answer(const Server& server, const std::string& request) {
  return RawClient(server.port()).say(request).read_to_end();
}

std::string get(const std::string& headers) { return "GET / HTTP/1.1\r\n" + headers + "\r\n"; }

/// A request with a body that another parser would take for a second request.
std::string post(const std::string& headers) {
  return "POST / HTTP/1.1\r\n" + kHost + headers + "\r\nGET /inner HTTP/1.1\r\n" + kHost + "\r\n";
}

}  // namespace

TEST_CASE("a head that can be read in two ways is refused, and the connection closed") {
  const Server server(on_loopback(), echo);
  const std::vector<std::pair<std::string, std::string>> requests{
      {post("Content-Length: 0\r\nContent-Length: 31\r\n"), "more than one Content-Length"},
      {post("Content-Length: 0\r\ncontent-length: 0\r\n"), "more than one Content-Length"},
      {post("Content-Length: 31\r\nTransfer-Encoding: chunked\r\n"),
       "both Content-Length and Transfer-Encoding"},
      {post("Content-Length : 31\r\n"), "malformed header name"},
      {post("Content-\x01Length: 31\r\n"), "malformed header name"},
      {get("Host: x\r\nHost: y\r\n"), "more than one Host"},
      {get("Host: x\r\nX: a\rb\r\n"), "control character in a header"},
      {get("Host: x\r\nX: a\x7f\r\n"), "control character in a header"},
      {get("Host: x\0y\r\nX: a\r\n"s), "NUL or folded line in a header"},
      {get("Host: x\r\nX: a\0b\r\n"s), "NUL in a header"},
      {get("Host: x\r\nX: a\0\r\n"s), "NUL in a header"},
      {get("Host: x\r\nX: a\r\n b\r\n"), "NUL or folded line in a header"},
      {get("Host: x\r\nX: a\r\n\tb\r\nY: c\r\n"), "NUL or folded line in a header"},
      {get(""), "no Host"},
      {get("Host: a b\r\n"), "malformed Host"},
      {get("Host: a/b\r\n"), "malformed Host"},
      {get("Host: a@b\r\n"), "malformed Host"},
      {get("Host: \xff\r\n"), "malformed Host"},
      {"GET /\0x HTTP/1.1\r\n"s + kHost + "\r\n", "malformed request line"},
      {"GET /?a\0b HTTP/1.1\r\n"s + kHost + "\r\n", "malformed request line"},
      {"GET /?\x01 HTTP/1.1\r\n" + kHost + "\r\n", "malformed request line"},
      {"GET /a b HTTP/1.1\r\n" + kHost + "\r\n", "malformed request line"},
      {"GET  / HTTP/1.1\r\n" + kHost + "\r\n", "malformed request line"},
      {"GET /  HTTP/1.1\r\n" + kHost + "\r\n", "malformed request line"},
      {"G\x01T / HTTP/1.1\r\n" + kHost + "\r\n", "malformed request line"},
  };
  for (const auto& [request, fault] : requests) {
    INFO(request);
    const auto all = answer(server, request);
    CHECK(status_of(all) == "400");
    CHECK(body_of(all) == fault + "\n");
    CHECK(all.find("Connection: close") != all.npos);
  }
  // Refused by the HTTP library.
  for (const auto& request :
       {get(""), get("Host: x\r\n y\r\n"), get("Host: x\r\nX\0Y: a\r\n"s), get("Host: x\r\nX\r\n"),
        post("Content-Length: 1x\r\n"), post("Content-Length: -1\r\n")}) {
    INFO(request);
    CHECK(status_of(answer(server, request)) == "400");
  }
}

TEST_CASE("a body in chunks is refused, whose ends can be read in several ways") {
  const Server server(on_loopback(), echo);
  for (const auto* coding : {"chunked", "Chunked", "chunked ", "chunked\t", "gzip, chunked", "x"}) {
    INFO(coding);
    const auto all = answer(server, post(std::string("Transfer-Encoding: ") + coding + "\r\n"));
    CHECK(status_of(all) == "411");
    CHECK(body_of(all) == "a body needs a Content-Length\n");
    CHECK(all.find("Connection: close") != all.npos);
  }
}

TEST_CASE("a head of any form that can be read in one way alone is served") {
  const Server server(on_loopback(), echo);
  const std::string close = "Connection: close\r\n";
  for (const auto& request : {
           get("Host:\r\n" + close),
           get("Host: x  \r\nX:\t\r\nY: \xc3\xa9\r\nZ:a:b\r\n" + close),
           "GET / HTTP/1.1\nHost: x\nConnection: close\n\n"s,
           "\r\n\r\n" + get(kHost + close),
           "GET / HTTP/1.0\r\n\r\n"s,
           "POST / HTTP/1.1\r\n" + kHost + close + "Content-Length: 3\r\n\r\nabc",
           get("Host: [::1]:9100\r\n" + close),
           get("Host: a-b_c.example:80\r\n" + close),
       }) {
    INFO(request);
    CHECK(status_of(answer(server, request)) == "200");
  }
}

TEST_CASE("a head that comes byte by byte, or grows while it is read, is served") {
  const Server server(on_loopback(), echo);
  std::string head = "GET /?collect[]=a HTTP/1.1\r\n" + kHost + "Connection: close\r\n";
  for (int i = 0; i < 100; ++i)
    head += "X-" + std::to_string(i) + ": " + std::string(i, 'v') + "\r\n";
  head += "X-Test: last\r\n\r\n";
  for (const std::size_t piece : {1u, 7u, 1000u}) {
    RawClient client(server.port());
    for (std::size_t at = 0; at < head.size(); at += piece) client.say(head.substr(at, piece));
    const auto all = client.read_to_end();
    CHECK(status_of(all) == "200");
    CHECK(body_of(all).find("x-test last\ncollect a\n") != std::string::npos);
  }
}

TEST_CASE("any number of parameters that fits in a head is served, and what does not is refused") {
  const Server server(on_loopback(), echo);
  const auto status = [&](const std::string& target) { return status_of(get(server, target)); };
  const auto target_of = [](std::size_t count, const std::string& parameter) {
    std::string target = "/?";
    for (std::size_t i = 0; i < count; ++i) target += parameter;
    return target;
  };
  CHECK(status(target_of(600, "collect[]=cpu&")) == "200");
  CHECK(status(target_of(7000, "a&")) == "200");
  CHECK(status(target_of(2000, "collect[]=cpu&")) == "431");
  CHECK(status(target_of(20000, "collect[]=cpu&")) == "414");
}

TEST_CASE("parameters are decoded, and a target may name its origin") {
  const Server server(on_loopback(), echo);
  const auto body = [&](const std::string& target) { return body_of(get(server, target)); };
  CHECK(body("/a%20b?collect[]=c%26d&x&collect%5B%5D=+e=f&collect[]") ==
        "GET /a b\nclient 127.0.0.1\nx-test \ncollect c&d\ncollect  e=f\ncollect \n");
  CHECK(body("http://x/a?collect[]=b").starts_with("GET /a\n"));
  CHECK(body("http://x?collect[]=b").starts_with("GET /\n"));
  CHECK(body("/%zz%4?x").starts_with("GET /%zz%4\n"));
}
