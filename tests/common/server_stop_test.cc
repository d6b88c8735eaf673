#include <catch2/catch.hpp>
#include <future>
#include <thread>

#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/server_fixture.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Request;
using http::Server;

TEST_CASE("stop refuses new clients, ends idle ones and lets running requests finish") {
  std::promise<void> started, finish;
  Server server(on_loopback(), [&](const Request& request) {
    if (request.path == "/slow") {
      started.set_value();
      finish.get_future().wait();
    }
    return text("done");
  });
  RawClient idle(server.port()), fresh(server.port()), slow(server.port());
  idle.say("GET /fast HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(body_of(idle.read_response()) == "done");
  slow.say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  started.get_future().wait();

  const auto port = server.port();
  auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
  CHECK(idle.ended_within(10s));
  CHECK(fresh.ended_within(10s));
  CHECK(refuses_connects(port));
  CHECK(stopped.wait_for(0s) == std::future_status::timeout);
  finish.set_value();
  CHECK(without_date(slow.read_to_end()) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 4\r\n\r\ndone");
  CHECK(stopped.wait_for(10s) == std::future_status::ready);
}

TEST_CASE("stop answers a request that had arrived before it") {
  Server server(on_loopback(), [](const Request&) { return text("done"); });
  RawClient client(server.port());
  for (int request = 0; request < 2; ++request) {
    client.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    if (request == 1) server.stop(10s);
    CHECK(body_of(client.read_response()) == "done");
  }
}

TEST_CASE("stop cuts what outlasts the grace, and waits for no handler that hangs") {
  std::promise<void> started, finish, left;
  {
    Server server(on_loopback(), [&](const Request&) {
      started.set_value();
      finish.get_future().wait();
      left.set_value();
      return text("too late");
    });
    RawClient slow(server.port());
    slow.say("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    started.get_future().wait();
    const auto start = std::chrono::steady_clock::now();
    server.stop(100ms);
    const auto took = std::chrono::steady_clock::now() - start;
    CHECK(took >= 100ms);
    CHECK(took < 1min);
    CHECK(slow.read_to_end() == "");
  }
  finish.set_value();
  left.get_future().wait();
}

TEST_CASE("stop cuts a client that does not read") {
  auto options = on_loopback();
  options.idle_timeout = 10min;
  Server server(options, [&](const Request&) { return text(std::string(64 << 20, 'b')); });
  RawClient stuck(server.port(), AF_INET, 4096);
  stuck.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string first(1, '\0');
  REQUIRE(::recv(stuck.fd(), first.data(), 1, 0) == 1);
  const auto start = std::chrono::steady_clock::now();
  server.stop(50ms);
  CHECK(std::chrono::steady_clock::now() - start < 1min);
  CHECK(stuck.read_to_end().size() < 64 << 20);
}

TEST_CASE("stop can be called twice, and from several threads") {
  Server server(on_loopback(), echo);
  std::jthread other([&] { server.stop(1s); });
  server.stop(1s);
  other.join();
  server.stop(1s);
  CHECK(server.addresses().size() == 1);
}
