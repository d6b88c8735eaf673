#include <catch2/catch.hpp>
#include <future>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

const std::string kChunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What the sink was given, then how the stream ended.
std::string stream(Client& client, const Deadline& deadline = soon()) {
  std::string seen;
  try {
    client.stream(
        request("/events?key=hunter2"), [&](std::string_view piece) { seen += piece; }, deadline);
    return seen + "|end";
  } catch (const Error& error) {
    return seen + '|' + std::string(to_string(error.reason())) + ": " + error.what();
  }
}

std::string stream_from(const Script& script) {
  const ScriptedServer server(script);
  ClientFixture fixture(server.url());
  fixture.options.max_body = 10;
  auto client = fixture.client();
  auto end = stream(client);
  const auto at = end.find(server.url());
  if (at != end.npos) end.replace(at, server.url().size(), "URL");
  return end + " after " + std::to_string(server.requests().size());
}

}  // namespace

TEST_CASE("a stream hands over a piece before the next one is sent") {
  std::promise<void> first_seen;
  auto seen = first_seen.get_future();
  const ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(kChunked + "5\r\nfirst\r\n");
    if (seen.wait_for(20s) == std::future_status::ready) peer.write("6\r\nsecond\r\n0\r\n\r\n");
  });
  ClientFixture fixture(server.url());
  std::vector<std::string> pieces;
  fixture.client().stream(
      request("/"),
      [&](std::string_view piece) {
        pieces.emplace_back(piece);
        if (pieces.size() == 1) first_seen.set_value();
      },
      soon());
  CHECK(pieces == std::vector<std::string>{"first", "second"});
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 1}});
}

TEST_CASE("a stream has no limit of size, packed or not") {
  const std::string large(3'000'000, 'x');
  CHECK(stream_from(answer([&](const std::string&) { return reply(200, large); })) ==
        large + "|end after 1");
  CHECK(stream_from(answer([&](const std::string&) {
          return reply(200, gzip_of(large), "Content-Encoding: gzip\r\n");
        })) == large + "|end after 1");
}

TEST_CASE("a stream is tried again before its first piece, and never after") {
  CHECK(stream_from(answer([](const std::string&) { return reply(503, "busy"); })) ==
        "|http_status: GET URL/events: status 503 after 3");
  CHECK(stream_from([](Peer& peer) {
          peer.read_request();
          if (peer.number() == 2) peer.write(reply(200, "late"));
        }) == "late|end after 2");
  CHECK(stream_from([](Peer& peer) {
          peer.read_request();
          peer.write(kChunked + "3\r\ncut\r\n");
        }) == "cut|connect: GET URL/events: the response was truncated after 1");
}

TEST_CASE("another status than 200 gives the sink nothing, and its body is bounded") {
  const auto refused = [](int status) {
    return stream_from(answer([=](const std::string&) { return reply(status, "no"); }));
  };
  CHECK(refused(403) == "|auth: GET URL/events: status 403 after 1");
  CHECK(refused(404) == "|http_status: GET URL/events: status 404 after 1");
  CHECK(refused(204) == "|http_status: GET URL/events: status 204 after 1");
  CHECK(stream_from(answer([](const std::string&) { return reply(404, std::string(99, 'x')); })) ==
        "|decode: GET URL/events: the response body exceeds the limit after 1");
}

TEST_CASE("what the sink throws ends the transfer, and the client works on") {
  const ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) {
      if (!peer.write(kChunked)) return;
      while (peer.number() == 1 && peer.write("1\r\nx\r\n")) {
      }
      if (!peer.write("2\r\nok\r\n0\r\n\r\n")) return;
    }
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const auto refuse = [](std::string_view) { throw std::runtime_error("enough"); };
  CHECK_THROWS_WITH(client.stream(request("/"), refuse, soon()), "enough");
  CHECK(stream(client) == "ok|end");
}

TEST_CASE("a stream ends by its deadline and when it is cancelled") {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(kChunked + "1\r\nx\r\n");
    peer.wait_closed();
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const std::string what = "GET " + server.url() + "/events: ";
  CHECK(stream(client, Deadline::in(300ms)) ==
        "x|timeout: " + what + "timed out reading the response");
  std::stop_source source;
  const auto stop_at_piece = [&](std::string_view) { source.request_stop(); };
  try {
    client.stream(request("/events"), stop_at_piece, Deadline::in(20s, source.get_token()));
    FAIL("the stream ended");
  } catch (const Error& error) {
    CHECK(error.what() == what + "cancelled");
  }
}

TEST_CASE("a sink may send requests with the same client") {
  const ScriptedServer server(answer([](const std::string& each) {
    return reply(200, each.starts_with("GET /inner") ? "inner" : "outer");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  std::string seen;
  client.stream(
      request("/outer"),
      [&](std::string_view piece) {
        seen += std::string(piece) + ' ' + client.send(request("/inner"), soon()).body;
      },
      soon());
  CHECK(seen == "outer inner");
}
