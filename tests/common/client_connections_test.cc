#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <latch>
#include <random>
#include <thread>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

/// Answers each request, on any connection, and one for /slow after 2.5 s.
Script sluggish() {
  return answer([](const std::string& each) {
    if (each.starts_with("GET /slow")) std::this_thread::sleep_for(2500ms);
    return reply(200, "");
  });
}

/// The duration of a call, which must succeed.
Clock::duration took(Client& client, const Deadline& deadline, const std::string& target = "/") {
  const auto start = Clock::now();
  CHECK(result_of(client, request(target), deadline) == "status 200");
  return Clock::now() - start;
}

/// Sends requests until the server has accepted another connection; false if it never does.
bool reconnects(Client& client, const ScriptedServer& server, std::chrono::milliseconds pause) {
  const auto before = server.connections();
  for (const auto until = Clock::now() + 60s; Clock::now() < until;) {
    std::this_thread::sleep_for(pause);
    client.send(request("/"), soon());
    if (server.connections() > before) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("no POST fails because the server closes kept connections at any moment") {
  const ScriptedServer server([](Peer& peer) {
    std::minstd_rand random(static_cast<unsigned>(peer.number()));
    peer.read_request();
    peer.write(reply(200, ""));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1000));
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  std::minstd_rand random(1);
  for (int i = 0; i < 100; ++i) {
    CHECK(result_of(client, request("/", "POST", "x")) == "status 200");
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 1000));
  }
  CHECK(server.requests().size() == 100);
}

TEST_CASE("kept connections that are forgotten cost half of the time, however many they are") {
  std::latch both(2), done(1);
  const ScriptedServer server([&](Peer& peer) {
    const auto first = peer.read_request();
    if (peer.number() <= 2) both.arrive_and_wait();
    if (first.starts_with("POST")) done.wait();
    peer.write(reply(200, ""));
    if (peer.number() > 2) return;
    peer.read_request();
    peer.wait_closed();
  });
  ClientFixture fixture(server.url());
  fixture.options.retry.base = fixture.options.retry.cap = 500ms;
  auto client = fixture.client();
  {
    std::jthread other([&] { client.send(request("/"), soon()); });
    client.send(request("/"), soon());
  }
  // Uses the connection that failed, so that the retry gets the other one.
  std::jthread other([&] {
    while (fixture.requests().count("error") == 0) std::this_thread::sleep_for(1ms);
    client.send(request("/", "POST"), soon());
  });
  CHECK(took(client, Deadline::in(8s)) >= 4s);
  done.count_down();
  other.join();
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 4}, {"error", 1}});
}

TEST_CASE("a new connection has all of the time, and so has one to a Unix socket") {
  const ScriptedServer server(sluggish());
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK(took(client, Deadline::in(4s), "/slow") >= 2500ms);
  CHECK(server.requests().size() == 1);

  const TemporaryDirectory directory;
  const auto path = directory.path() / "socket";
  const ScriptedServer local(path, sluggish());
  ClientFixture unix_fixture("http://local");
  unix_fixture.options.unix_socket = path;
  auto unix_client = unix_fixture.client();
  took(unix_client, soon());
  CHECK(took(unix_client, Deadline::in(4s), "/slow") >= 2500ms);
  CHECK(local.requests().size() == 2);
  CHECK(local.connections() == 1);
}

TEST_CASE("the last try, and so an only one, has a new connection") {
  const ScriptedServer server(sluggish());
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 1;
  auto client = fixture.client();
  for (int i = 0; i < 3; ++i) took(client, soon());
  CHECK(server.connections() == 3);
}

TEST_CASE("a connection that idles for too long is not used again") {
  const ScriptedServer server(sluggish());
  ClientFixture fixture(server.url());
  fixture.options.max_idle = 1s;
  auto client = fixture.client();
  took(client, soon());
  took(client, soon());
  CHECK(server.connections() == 1);
  CHECK(reconnects(client, server, 2100ms));
}

TEST_CASE("a connection is not used for ever, however busy it is") {
  const ScriptedServer server(sluggish());
  ClientFixture fixture(server.url());
  fixture.options.max_age = 1s;
  auto client = fixture.client();
  took(client, soon());
  CHECK(reconnects(client, server, 20ms));
}

TEST_CASE("a host that acknowledges nothing more is detected before the deadline") {
  std::latch done(1);
  const ScriptedServer server([&](Peer&) { done.wait(); });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const auto start = Clock::now();
  CHECK(result_of(client, request("/", "POST", std::string(20'000'000, 'x')), Deadline::in(2min)) ==
        "connect: POST " + server.url() + "/: connection timed out");
  CHECK(Clock::now() - start < 1min);
  done.count_down();
}

TEST_CASE("sinks may send with their client, although streams take all of its connections") {
  std::latch all_stream(4);
  const ScriptedServer server(answer([](const std::string& each) {
    return reply(200, each.starts_with("GET /inner") ? "inner" : "outer");
  }));
  ClientFixture fixture(server.url());
  fixture.options.budget.at_once = 4;
  auto client = fixture.client();
  std::atomic<int> right = 0;
  const Sink innermost = [&](std::string_view) {
    right += result_of(client, request("/inner")) == "status 200";
  };
  const Sink inner = [&](std::string_view) {
    all_stream.arrive_and_wait();
    client.stream(request("/inner"), innermost, soon());
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        try {
          client.stream(request("/outer"), inner, soon());
        } catch (const Error& error) {
          right -= 100;
        }
      });
    }
  }
  CHECK(right == 4);
  CHECK(server.connections() <= 12);
}
