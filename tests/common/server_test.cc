#include "common/http/server.h"

#include <catch2/catch.hpp>
#include <future>

#include "common/base/error.h"
#include "tests/common/raw_client.h"
#include "tests/common/server_fixture.h"

using namespace exporter;
using namespace exporter::testing;
using http::Request;
using http::Response;
using http::Server;

TEST_CASE("a response is sent whole, with its type, length and headers") {
  const Server server(on_loopback(), [](const Request&) {
    Response response;
    response.content_type = "text/test";
    response.headers.emplace_back("X-Made-By", "a test");
    response.body.add("one ", nullptr);
    response.body.add(std::make_shared<const std::string>("two "));
    response.body.add("three", nullptr);
    return response;
  });
  RawClient client(server.port());
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string head =
      "HTTP/1.1 200 OK\r\nX-Made-By: a test\r\nContent-Type: text/test\r\n"
      "Content-Length: 13\r\n\r\n";
  CHECK(without_date(client.read_response()) == head + "one two three");
  client.say("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response("HEAD")) == head);
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response()) == head + "one two three");
}

TEST_CASE("a body of many large pieces arrives unchanged") {
  std::string expected;
  Body body;
  for (int i = 0; i < 3000; ++i) {
    auto piece = std::make_shared<const std::string>(1 + static_cast<std::size_t>(i) * 7 % 5000,
                                                     static_cast<char>('a' + i % 26));
    expected += *piece;
    body.add(std::move(piece));
  }
  const Server server(on_loopback(), [&](const Request&) {
    Response response;
    response.body = body;
    return response;
  });
  CHECK(body_of(get(server, "/")) == expected);
}

TEST_CASE("the owners of a body live until it was sent, and no longer") {
  auto owner = std::make_shared<const std::string>("shared");
  const std::weak_ptr<const std::string> watched = owner;
  {
    const Server server(on_loopback(), [&](const Request&) {
      Response response;
      response.body.add(std::exchange(owner, nullptr));
      return response;
    });
    CHECK(body_of(get(server, "/")) == "shared");
  }
  CHECK(watched.expired());
}

TEST_CASE("the handler sees the decoded request") {
  const Server server(on_loopback(), echo);
  CHECK(body_of(get(server, "/a%20b%2fc?collect[]=x%26y&other=1&collect%5B%5D=z+w&collect[]")) ==
        "GET /a b/c\nclient 127.0.0.1\nx-test \ncollect x&y\ncollect z w\ncollect \n");
  CHECK(body_of(RawClient(server.port())
                    .say("GET / HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nx-TEST: 2\r\n"
                         "Connection: close\r\n\r\n")
                    .read_to_end()) == "GET /\nclient 127.0.0.1\nx-test 1,2\n");
}

TEST_CASE("paths are exact") {
  const Server server(on_loopback(), echo);
  const auto path_of = [&](const std::string& target) {
    const auto body = body_of(get(server, target));
    return body.substr(4, body.find('\n') - 4);
  };
  CHECK(path_of("//metrics") == "//metrics");
  CHECK(path_of("/x/../metrics") == "/x/../metrics");
  CHECK(path_of("/metrics/") == "/metrics/");
  CHECK(path_of("/metrics%00") == "/metrics%00");
  CHECK(path_of("/metrics%0") == "/metrics%0");
  CHECK(path_of("/metrics%zz") == "/metrics%zz");
  CHECK(path_of("/%6detrics") == "/metrics");
  CHECK(path_of("http://host:1/metrics?x=y") == "/metrics");
  CHECK(path_of("http://host") == "/");
}

TEST_CASE("a missing page is the handler's to report") {
  const Server server(on_loopback(), echo);
  const auto response = get(server, "/missing");
  CHECK(status_of(response) == "404");
  CHECK(body_of(response) == "nothing here\n");
}

TEST_CASE("methods other than GET, HEAD and POST are refused") {
  const Server server(on_loopback(), echo);
  for (const auto* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "get"}) {
    INFO(method);
    RawClient client(server.port());
    client.say(std::string(method) + " /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(without_date(client.read_response()) ==
          "HTTP/1.1 405 Method Not Allowed\r\nAllow: GET, HEAD, POST\r\n"
          "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 19\r\n\r\n"
          "method not allowed\n");
    client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(status_of(client.read_response()) == "200");
  }
}

TEST_CASE("a request's body is dropped up to 64 KiB, and refused beyond") {
  const Server server(on_loopback(), echo);
  const auto post = [&](std::size_t size) {
    return status_of(RawClient(server.port())
                         .say("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                              "Content-Length: " +
                              std::to_string(size) + "\r\n\r\n" + std::string(size, 'b'))
                         .read_to_end());
  };
  CHECK(post(0) == "200");
  CHECK(post(64 << 10) == "200");
  CHECK(post((64 << 10) + 1) == "413");
  CHECK(post(1 << 20) == "413");
  RawClient huge(server.port());
  huge.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n");
  CHECK(status_of(huge.read_to_end()) == "413");
}

TEST_CASE("a client that waits for 100 Continue gets it") {
  const Server server(on_loopback(), echo);
  RawClient client(server.port());
  client.say("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_response() == "HTTP/1.1 100 Continue\r\n\r\n");
  client.say("ab");
  CHECK(status_of(client.read_response()) == "200");
}

TEST_CASE("headers above the limit get 431") {
  const Server server(on_loopback(), echo);
  const auto with_header = [&](std::size_t size) {
    return status_of(RawClient(server.port())
                         .say("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Test: " +
                              std::string(size, 'h') + "\r\n\r\n")
                         .read_to_end());
  };
  CHECK(with_header(15 << 10) == "200");
  CHECK(with_header(16 << 10) == "431");
}

TEST_CASE("an exception becomes status 500 that says nothing about it") {
  const Server server(on_loopback(),
                      [](const Request&) -> Response { throw std::runtime_error("a secret"); });
  RawClient client(server.port());
  client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(without_date(client.read_response()) ==
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 22\r\n\r\ninternal server error\n");
}

TEST_CASE("pipelined requests are answered in order, also to a client that closed its side") {
  const Server server(on_loopback(), echo);
  const std::string requests =
      "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
      "GET /4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  for (const bool half_closed : {false, true}) {
    RawClient client(server.port());
    client.say(requests);
    if (half_closed) client.half_close();
    const std::string tail = "\nclient 127.0.0.1\nx-test \n";
    CHECK(body_of(client.read_response()) == "GET /1" + tail);
    CHECK(status_of(client.read_response("HEAD")) == "200");
    CHECK(body_of(client.read_response()) == "POST /3" + tail);
    CHECK(body_of(client.read_response()) == "GET /4" + tail);
    CHECK(client.read_to_end() == "");
  }
}

TEST_CASE("a client that closed its side while the handler runs still gets the answer") {
  std::promise<void> closed;
  const Server server(on_loopback(), [&](const Request&) {
    closed.get_future().wait();
    return text("answer");
  });
  RawClient client(server.port());
  client.say("GET /x HTTP/1.1\r\nHost: x\r\n\r\n").half_close();
  closed.set_value();
  CHECK(body_of(client.read_response()) == "answer");
  CHECK(client.read_to_end() == "");
}

TEST_CASE("HTTP/1.0 and Connection: close end the connection") {
  const Server server(on_loopback(), [](const Request&) { return text("x"); });
  CHECK(without_date(RawClient(server.port()).say("GET / HTTP/1.0\r\n\r\n").read_to_end()) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 1\r\n\r\nx");
  CHECK(without_date(get(server, "/")) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 1\r\n\r\nx");
}

TEST_CASE("what is not HTTP never reaches the handler") {
  const Server server(on_loopback(), echo);
  for (const auto* nonsense : {"\x16\x03\x01\x02\r\n\r\n", "GET\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n",
                               "GET /x HTTP/9.9\r\nHost: x\r\n\r\n"}) {
    INFO(nonsense);
    const auto response = RawClient(server.port()).say(nonsense).half_close().read_to_end();
    CHECK(status_of(response) != "200");
  }
  CHECK(status_of(get(server, "/x")) == "200");
}
