#include <catch2/catch.hpp>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::http;

namespace {

constexpr const char* kGzip = "Content-Encoding: gzip\r\n";

/// The body of a reply that has these bytes and headers.
std::string body_of(const std::string& bytes, const std::string& headers, int status = 200) {
  const ScriptedServer server(
      answer([&](const std::string&) { return reply(status, bytes, headers); }));
  ClientFixture fixture(server.url());
  fixture.options.max_body = 1000;
  return fixture.client().send(request("/"), soon()).body;
}

/// A reply with the bytes as a valid chunked body.
std::string chunked(const std::string& bytes) {
  char size[20];
  std::snprintf(size, sizeof size, "%zx", bytes.size());
  return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n") + kGzip + "\r\n" + size +
         "\r\n" + bytes + "\r\n0\r\n\r\n";
}

}  // namespace

TEST_CASE("a gzip body is decompressed, of one member or several, by either name") {
  CHECK(body_of(gzip_of("hello"), kGzip) == "hello");
  CHECK(body_of(gzip_of("hello"), "Content-Encoding: X-GZip \r\n") == "hello");
  CHECK(body_of(gzip_of("hello ") + gzip_of("world"), kGzip) == "hello world");
  CHECK(body_of(gzip_of(std::string(1000, 'x')), kGzip) == std::string(1000, 'x'));
}

TEST_CASE("a body that is not compressed stays as it is") {
  CHECK(body_of("hello", "") == "hello");
  CHECK(body_of("hello", "Content-Encoding: identity\r\n") == "hello");
  CHECK(body_of("", kGzip) == "");
  CHECK(body_of(gzip_of("hello").substr(3), kGzip, 206) == gzip_of("hello").substr(3));
}

TEST_CASE("a body that was cut is an error, whoever asks, although HTTP calls it whole") {
  const auto text = "[\"" + std::string(100'000, 'x') + "\"]";
  const auto packed = gzip_of(text);
  const ScriptedServer server(
      answer([&](const std::string&) { return chunked(packed.substr(0, packed.size() - 20)); }));
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 2;
  auto client = fixture.client();
  const auto expected =
      "GET " + server.url() + "/a: the response's gzip data ends before its trailer";
  CHECK(error_of(Reason::decode, [&] { client.send(request("/a"), soon()); }) == expected);
  CHECK(error_of(Reason::decode, [&] { client.get("/a", soon()); }) == expected);
  CHECK(server.requests().size() == 4);
  std::size_t seen = 0;
  CHECK(error_of(Reason::decode, [&] {
          client.stream(
              request("/a"), [&](std::string_view piece) { seen += piece.size(); }, soon());
        }) == expected);
  CHECK(server.requests().size() == 5);  // not retried: the sink already had data
  CHECK(seen > 0);
}

TEST_CASE("what is compressed counts against the limit, too, even when nothing comes out of it") {
  std::string nothing;
  while (nothing.size() < 2000) nothing += gzip_of("");
  const ScriptedServer server(answer([&](const std::string&) { return chunked(nothing); }));
  ClientFixture fixture(server.url());
  fixture.options.max_body = 1000;
  auto client = fixture.client();
  CHECK(result_of(client, request("/")) ==
        "decode: GET " + server.url() + "/: the response body exceeds the limit");
}

TEST_CASE("equal lengths are one") {
  const ScriptedServer server(
      answer([](const std::string&) { return reply(200, "ok", "Content-Length: 2\r\n"); }));
  ClientFixture fixture(server.url());
  CHECK(fixture.client().send(request("/"), soon()).body == "ok");
}
