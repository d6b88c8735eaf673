#include <catch2/catch.hpp>
#include <functional>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

/// Reads a request, answers with these bytes, and closes.
Script bytes(std::string text) {
  return [text = std::move(text)](Peer& peer) {
    peer.read_request();
    peer.write(text);
  };
}

std::string ok(const std::string& headers, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body;
}

struct Fault {
  std::string name;
  Script script;
  std::string reason;
  std::string why;
  std::size_t tries;
};

constexpr const char* kToken = "hunter2";
const std::string kClosed = "connection closed before the response";
const std::string kCut = "the response was truncated";
const std::string kCutOrMalformed = "the response is truncated or malformed";
const std::string kTooLarge = "the response body exceeds the limit";
const std::string kEncoding = "the response's Content-Encoding is not gzip";
const std::string kBroken = "the response body cannot be decompressed: gzip: ";
const std::string kNoTrailer = "the response's gzip data ends before its trailer";
const std::string kLengths = "the response has more than one Content-Length";
const std::string kHeaders = "the response headers exceed 256 KiB or 1000 lines";

std::vector<Fault> faults() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  const std::string many(1200, 'x');
  std::string lines;
  for (int i = 0; i < 1001; ++i) lines += "X: " + std::to_string(i) + "\r\n";
  std::string large;
  for (int i = 0; i < 5; ++i) large += "X: " + std::string(60'000, 'x') + "\r\n";
  const auto close = [](Peer& peer) { peer.read_request(); };
  const auto reset = [](Peer& peer) {
    peer.read_request();
    peer.reset();
  };
  const auto endless = [](Peer& peer) {
    peer.read_request();
    while (peer.write("HTTP/1.1 100 Continue\r\nX: hunter2\r\n\r\n")) {
    }
  };
  const std::string gzip = "Content-Encoding: gzip\r\n";
  const std::string packed = gzip_of("hunter2");
  auto bad_crc = packed, bad_length = packed;
  bad_crc[packed.size() - 8] ^= 1;
  bad_length[packed.size() - 4] ^= 1;
  return {
      {"no reply", close, "connect", kClosed, 3},
      {"a reset", reset, "connect", "connection reset by peer", 3},
      {"a cut status line", bytes("HTTP/1.1 20"), "connect", kClosed, 3},
      {"an interim reply alone", bytes("HTTP/1.1 102 Wait\r\n\r\n"), "connect", kClosed, 3},
      {"cut headers", bytes("HTTP/1.1 200 OK\r\nX: hunter2\r\n"), "connect", kCut, 3},
      {"a cut body", bytes(ok("Content-Length: 100\r\n", "hunter2")), "connect", kCut, 3},
      {"a cut chunk", bytes(ok(chunked, "10\r\nhunter2")), "connect", kCut, 3},
      {"no last chunk", bytes(ok(chunked, "7\r\nhunter2\r\n")), "connect", kCut, 3},
      {"a bad chunk size", bytes(ok(chunked, "hunter2\r\n")), "connect", kCutOrMalformed, 3},
      {"a huge chunk size", bytes(ok(chunked, "ffffffffffffffffff\r\nx")), "connect",
       kCutOrMalformed, 3},
      {"bytes that are no HTTP", bytes("hunter2 is what I say\r\n\r\n"), "decode",
       "malformed reply: Unsupported protocol", 3},
      {"a negative length", bytes(ok("Content-Length: -5\r\n", "")), "decode",
       "malformed reply: Weird server reply", 3},
      {"an encoding that is none of ours", bytes(ok("Content-Encoding: hunter2\r\n", "x")),
       "decode", kEncoding, 3},
      {"two encodings", bytes(ok("Content-Encoding: gzip\r\n" + gzip, "x")), "decode", kEncoding,
       3},
      {"gzip that is none", bytes(ok(gzip + "Content-Length: 7\r\n", "hunter2")), "decode",
       kBroken + "incorrect header check", 3},
      {"gzip that is cut", bytes(ok(gzip, packed.substr(0, packed.size() - 1))), "decode",
       kNoTrailer, 3},
      {"gzip that is cut in its header", bytes(ok(gzip, packed.substr(0, 5))), "decode", kNoTrailer,
       3},
      {"gzip with a wrong CRC", bytes(ok(gzip, bad_crc)), "decode",
       kBroken + "incorrect data check", 3},
      {"gzip with a wrong length", bytes(ok(gzip, bad_length)), "decode",
       kBroken + "incorrect length check", 3},
      {"gzip and more", bytes(ok(gzip, packed + "hunter2")), "decode",
       kBroken + "incorrect header check", 3},
      {"gzip and zeros", bytes(ok(gzip, packed + std::string(512, '\0'))), "decode",
       kBroken + "incorrect header check", 3},
      {"a second gzip member that is cut", bytes(ok(gzip, packed + packed.substr(0, 20))), "decode",
       kNoTrailer, 3},
      {"two lengths", bytes(ok("Content-Length: 2\r\nContent-Length: 4\r\n", "okok")), "decode",
       kLengths, 1},
      {"two lengths in one line", bytes(ok("Content-Length: 4, 2\r\n", "okok")), "decode", kLengths,
       1},
      {"two lengths and no body", bytes(ok("Content-Length: 4\r\nContent-Length: 0\r\n", "")),
       "decode", kLengths, 1},
      {"another transfer encoding",
       bytes(ok("Transfer-Encoding: gzip, chunked\r\n", "1\r\nx\r\n0\r\n\r\n")), "decode",
       "the response's Transfer-Encoding is not chunked", 1},
      {"too large by its length", bytes(ok("Content-Length: 1001\r\n", "")), "decode", kTooLarge,
       1},
      {"too large by its chunks", bytes(ok(chunked, "4b0\r\n" + many + "\r\n0\r\n\r\n")), "decode",
       kTooLarge, 1},
      {"too large until the end", bytes(ok("", many)), "decode", kTooLarge, 1},
      {"too large once decompressed", bytes(ok(gzip, gzip_of(std::string(10'000'000, 'x')))),
       "decode", kTooLarge, 1},
      {"too many headers", bytes(ok(lines, "")), "decode", kHeaders, 1},
      {"too large headers", bytes(ok(large, "")), "decode", kHeaders, 1},
      {"endless interim replies", endless, "decode", kHeaders, 1},
  };
}

}  // namespace

TEST_CASE("each fault of a peer is named, tried again where that may help, and told no secrets") {
  for (const auto& fault : faults()) {
    CAPTURE(fault.name);
    const ScriptedServer server(fault.script);
    ClientFixture fixture(server.url() + "/api");
    fixture.options.max_body = 1000;
    auto client = fixture.client(adding([](ClientRequest& each) {
      each.headers.emplace_back("Authorization", std::string("Bearer ") + kToken);
    }));
    auto each = request("/dags?token=hunter2", "PUT", "{\"password\": \"hunter2\"}");
    CHECK(result_of(client, std::move(each)) ==
          fault.reason + ": PUT " + server.url() + "/api/dags: " + fault.why);
    CHECK(server.requests().size() == fault.tries);
    CHECK(fixture.requests() ==
          std::map<std::string, double>{{"error", static_cast<double>(fault.tries)}});
  }
}

TEST_CASE("a header line beyond libcurl's own bound is refused") {
  const ScriptedServer server(bytes(ok("X: " + std::string(150'000, 'x') + "\r\n", "")));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/")),
             Catch::StartsWith("decode: GET " + server.url() + "/: "));
}

TEST_CASE("a body of exactly the limit passes, and what follows it is not part of it") {
  const std::string body(1000, 'x');
  const ScriptedServer server(bytes(ok("Content-Length: 1000\r\n", body + "HTTP/1.1 200 OK")));
  ClientFixture fixture(server.url());
  fixture.options.max_body = 1000;
  auto client = fixture.client();
  CHECK(client.send(request("/"), soon()).body == body);
  CHECK(client.send(request("/"), soon()).body == body);
  CHECK(server.connections() == 2);
}

TEST_CASE("a HEAD may announce more than the limit") {
  const ScriptedServer server(bytes(ok("Content-Length: 5000\r\n", "")));
  ClientFixture fixture(server.url());
  fixture.options.max_body = 1000;
  CHECK(fixture.client().send(request("/", "HEAD"), soon()).headers.at("content-length") == "5000");
}

TEST_CASE("a client works on after a fault") {
  const ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) {
      if (peer.number() == 1) return peer.reset();
      peer.write(reply(200, "ok"));
    }
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK(client.send(request("/"), soon()).body == "ok");
  CHECK(client.send(request("/"), soon()).body == "ok");
  CHECK(server.connections() == 2);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 2}, {"error", 1}});
}

TEST_CASE("what may have been received is not sent twice, unless it may be repeated") {
  const ScriptedServer server([](Peer& peer) { peer.read_request(); });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const std::string closed = "/: connection closed before the response";
  CHECK(result_of(client, request("/", "POST", "x")) == "connect: POST " + server.url() + closed);
  CHECK(result_of(client, request("/", "PATCH")) == "connect: PATCH " + server.url() + closed);
  CHECK(server.requests().size() == 2);
  auto repeatable = request("/", "POST", "x");
  repeatable.idempotent = true;
  CHECK(result_of(client, repeatable) == "connect: POST " + server.url() + closed);
  CHECK(server.requests().size() == 5);
}

TEST_CASE("a kept connection that closes as it is used costs a GET a try, and a POST nothing") {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(reply(200, "first"));
    peer.read_request();
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK(client.send(request("/1"), soon()).body == "first");
  CHECK(client.send(request("/2", "POST", "x"), soon()).body == "first");
  CHECK(server.requests().size() == 2);
  CHECK(client.send(request("/3"), soon()).body == "first");
  CHECK(server.requests().size() == 4);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 3}, {"error", 1}});
}

TEST_CASE("a refused connection is tried again for any method, as nothing was sent") {
  ClientFixture fixture("http://127.0.0.1:" + std::to_string(closed_port()));
  auto client = fixture.client();
  CHECK(result_of(client, request("/a?token=hunter2", "POST", "x")) ==
        "connect: POST " + fixture.options.base_url + "/a: connection refused");
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 3}});
  CHECK(fixture.observations() ==
        std::map<std::string, std::uint64_t>{{"name_lookup", 3}, {"total", 3}});
}

TEST_CASE("a host name that does not exist is tried again") {
  ClientFixture fixture("http://nowhere.invalid");
  auto client = fixture.client();
  CHECK(result_of(client, request("/a", "POST")) ==
        "connect: POST http://nowhere.invalid/a: cannot look up the host name");
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 3}});
  CHECK(fixture.observations() == std::map<std::string, std::uint64_t>{{"total", 3}});
}

TEST_CASE("a peer that resets while a large body is being sent is a fault, not a signal") {
  const ScriptedServer server([](Peer& peer) { peer.reset(); });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/", "POST", std::string(20'000'000, 'x'))),
             Catch::StartsWith("connect: POST " + server.url() + "/: "));
}

TEST_CASE("an IPv6 address is an origin") {
  const std::string url = "http://[::1]:" + std::to_string(closed_port());
  ClientFixture fixture(url);
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/a?b")), Catch::StartsWith("connect: GET " + url + "/a: "));
}
