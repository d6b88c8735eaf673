#include <algorithm>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <ctime>
#include <latch>
#include <mutex>
#include <thread>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"
#include "tests/support/full_server.h"
#include "tests/support/slow_names.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

/// How far beyond its deadline a call may return on a machine that is busy with other tests.
constexpr auto kLate = 2s;
/// How soon a call must end after a stop. Stops come after libcurl's own timers in the first 200 ms
/// of a transfer, which would hide that nothing else wakes it.
constexpr auto kSoonStopped = 500ms;
constexpr auto kAfterTimers = 300ms;

/// Reads a request and never answers.
void silence(Peer& peer) {
  peer.read_request();
  peer.wait_closed();
}

/// The result. Checks that the call returned in time.
std::string result_in(Client& client, ClientRequest each, std::chrono::milliseconds time) {
  const auto start = Clock::now();
  auto result = result_of(client, std::move(each), Deadline::in(time));
  const auto took = Clock::now() - start;
  CHECK(took < time + kLate);
  return result;
}

std::chrono::milliseconds took(const std::function<void()>& work) {
  const auto start = Clock::now();
  work();
  return std::chrono::floor<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

TEST_CASE("transient statuses are tried again for what may be repeated, others are replies") {
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    CAPTURE(status);
    int replies = 0;
    const ScriptedServer server(
        answer([&](const std::string&) { return reply(++replies % 3 == 0 ? 200 : status, ""); }));
    ClientFixture fixture(server.url());
    auto client = fixture.client();
    CHECK(client.send(request("/"), soon()).status == 200);
    CHECK(client.send(request("/", "POST"), soon()).status == status);
    auto repeatable = request("/", "POST");
    repeatable.idempotent = true;
    CHECK(client.send(repeatable, soon()).status == 200);
    CHECK(fixture.requests() ==
          std::map<std::string, double>{{"200", 2}, {std::to_string(status), 4}});
  }
  const ScriptedServer server(answer([](const std::string& each) {
    return reply(std::stoi(each.substr(each.find('/') + 1, 3)), "");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  for (const int status : {400, 401, 403, 404, 409, 422, 501, 505}) {
    CHECK(client.send(request("/" + std::to_string(status)), soon()).status == status);
  }
  CHECK(server.requests().size() == 8);
}

TEST_CASE("a 500 that is an answer is not asked again, what is overloaded is") {
  for (const int status : {500, 503}) {
    const ScriptedServer server(answer([&](const std::string&) { return reply(status, ""); }));
    ClientFixture fixture(server.url());
    auto final = request("/");
    final.final_status = 500;
    CHECK(fixture.client().send(final, soon()).status == status);
    CHECK(server.requests().size() == (status == 500 ? 1 : 3));
  }
}

TEST_CASE("pauses between tries are of any length below their bound") {
  std::mutex mutex;
  std::vector<Clock::time_point> tries;
  const ScriptedServer server(answer([&](const std::string&) {
    const std::lock_guard lock(mutex);
    tries.push_back(Clock::now());
    return reply(503, "busy");
  }));
  ClientFixture fixture(server.url());
  fixture.options.retry = {.attempts = 12, .base = 200ms, .cap = 200ms};
  auto client = fixture.client();
  CHECK(client.send(request("/"), soon()).status == 503);
  const std::lock_guard lock(mutex);
  REQUIRE(tries.size() == 12);
  std::vector<Clock::duration> pauses;
  for (std::size_t i = 1; i < tries.size(); ++i) pauses.push_back(tries[i] - tries[i - 1]);
  const auto [shortest, longest] = std::minmax_element(pauses.begin(), pauses.end());
  CHECK(*shortest < 150ms);
  CHECK(*longest > 50ms);
}

TEST_CASE("tries end after so many, with the last reply") {
  const ScriptedServer server(answer([](const std::string&) { return reply(503, "busy"); }));
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 4;
  CHECK(fixture.client().send(request("/"), soon()).body == "busy");
  CHECK(server.requests().size() == 4);
}

TEST_CASE("the next try waits as long as Retry-After says, in seconds or until a date") {
  const auto in_two_seconds = [] {
    const std::time_t then = std::time(nullptr) + 2;
    std::tm parts{};
    char text[64];
    ::gmtime_r(&then, &parts);
    return std::string(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  };
  for (const bool as_date : {false, true}) {
    CAPTURE(as_date);
    int replies = 0;
    const ScriptedServer server(answer([&](const std::string&) {
      return replies++ > 0
                 ? reply(200, "")
                 : reply(429, "", "Retry-After: " + (as_date ? in_two_seconds() : "1") + "\r\n");
    }));
    ClientFixture fixture(server.url());
    auto client = fixture.client();
    CHECK(took([&] { CHECK(client.send(request("/"), soon()).status == 200); }) >= 1s);
  }
}

TEST_CASE("a failure whose pause would end beyond the deadline is told at once") {
  ClientFixture fixture("http://127.0.0.1:" + std::to_string(closed_port()));
  fixture.options.retry.base = fixture.options.retry.cap = 240h;
  auto client = fixture.client();
  const std::string expected = "connect: GET " + fixture.options.base_url + "/: connection refused";
  CHECK(result_in(client, request("/"), 10s) == expected);
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 1}});
}

TEST_CASE("the deadline bounds the wait for a reply and for the rest of it") {
  const ScriptedServer silent(silence);
  ClientFixture fixture(silent.url());
  auto client = fixture.client();
  CHECK(result_in(client, request("/a?b"), 100ms) ==
        "timeout: GET " + silent.url() + "/a: timed out waiting for the response");

  const ScriptedServer dripping([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
    while (peer.write("x")) std::this_thread::sleep_for(5ms);
  });
  ClientFixture drip(dripping.url());
  auto other = drip.client();
  CHECK(result_in(other, request("/"), 300ms) ==
        "timeout: GET " + dripping.url() + "/: timed out reading the response");
}

TEST_CASE("the deadline bounds the lookup of the name, and so does the limit of a connect") {
  const SlowNames slow;
  ClientFixture fixture("http://slow.test");
  {
    auto client = fixture.client();
    CHECK(result_in(client, request("/"), 100ms) ==
          "timeout: GET http://slow.test/: timed out looking up the host name");
  }
  fixture.options.retry.connect_timeout = 50ms;
  fixture.options.retry.attempts = 2;
  auto client = fixture.client();
  CHECK(result_in(client, request("/"), 10s) ==
        "timeout: GET http://slow.test/: timed out looking up the host name");
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 3}});
}

TEST_CASE("a connect that nobody answers is tried again for any method") {
  const FullServer server;
  ClientFixture fixture(server.url());
  fixture.options.retry.connect_timeout = 100ms;
  auto client = fixture.client();
  CHECK(result_in(client, request("/", "POST"), 10s) ==
        "timeout: POST " + server.url() + "/: timed out connecting");
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 3}});
  CHECK(result_in(client, request("/"), 50ms) ==
        "timeout: GET " + server.url() + "/: timed out connecting");
}

TEST_CASE("a deadline that has passed sends nothing") {
  const ScriptedServer server(silence);
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK(result_of(client, request("/a?b"), Deadline::in(-1s)) ==
        "timeout: GET " + server.url() + "/a: deadline passed");
  CHECK(server.connections() == 0);
  CHECK(fixture.requests().empty());
}

TEST_CASE("a try that takes too long is tried again where that is safe") {
  const auto script = [](Peer& peer) {
    peer.read_request();
    if (peer.number() > 2) peer.write(reply(200, ""));
    peer.wait_closed();
  };
  ClientFixture fixture;
  fixture.options.retry.try_timeout = 300ms;
  const ScriptedServer server(script);
  fixture.options.base_url = server.url();
  auto client = fixture.client();
  CHECK(result_of(client, request("/", "POST")) ==
        "timeout: POST " + server.url() + "/: timed out waiting for the response");
  CHECK(server.requests().size() == 1);
  CHECK(result_of(client, request("/")) == "status 200");
  CHECK(server.requests().size() == 3);
}

namespace {

/// How a call ended, and how long after the stop.
struct Cancelled {
  std::string result;
  std::chrono::milliseconds after;
};

/// Stops a call once `ready` is open and libcurl's own timers have passed.
Cancelled cancel(Client& client, std::latch& ready) {
  std::stop_source stop;
  Clock::time_point stopped;
  std::jthread stopper([&] {
    ready.wait();
    std::this_thread::sleep_for(kAfterTimers);
    stopped = Clock::now();
    stop.request_stop();
  });
  Cancelled cancelled;
  cancelled.result = result_of(client, request("/a?b"), Deadline::in(60s, stop.get_token()));
  const auto returned = Clock::now();
  stopper.join();
  cancelled.after = std::chrono::ceil<std::chrono::milliseconds>(returned - stopped);
  return cancelled;
}

}  // namespace

TEST_CASE(
    "a stop cuts a transfer, a pause, a connect, a lookup and the wait for a connection short") {
  std::latch ready(1);
  Cancelled cancelled;
  ClientFixture fixture;
  fixture.options.budget.at_once = 1;
  fixture.options.retry.attempts = 1;
  SECTION("a transfer") {
    const ScriptedServer server([&](Peer& peer) {
      peer.read_request();
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
      ready.count_down();
      peer.wait_closed();
    });
    fixture.options.base_url = server.url();
    auto client = fixture.client();
    cancelled = cancel(client, ready);
    CHECK(fixture.requests() == std::map<std::string, double>{{"error", 1}});
  }
  SECTION("a pause") {
    fixture.options.retry.attempts = 2;
    const ScriptedServer server([&](Peer& peer) {
      peer.read_request();
      peer.write(reply(503, "", "Retry-After: 30\r\n"));
      ready.count_down();
      peer.wait_closed();
    });
    fixture.options.base_url = server.url();
    auto client = fixture.client();
    cancelled = cancel(client, ready);
    CHECK(server.requests().size() == 1);
  }
  SECTION("a connect") {
    const FullServer server;
    fixture.options.base_url = server.url();
    auto client = fixture.client(adding([&](ClientRequest&) { ready.count_down(); }));
    cancelled = cancel(client, ready);
  }
  SECTION("a lookup") {
    const SlowNames slow;
    fixture.options.base_url = "http://slow.test";
    auto client = fixture.client(adding([&](ClientRequest&) { ready.count_down(); }));
    cancelled = cancel(client, ready);
  }
  SECTION("the wait for a connection") {
    std::latch taken(1);
    const ScriptedServer server([&](Peer& peer) {
      peer.read_request();
      taken.count_down();
      peer.wait_closed();
    });
    fixture.options.base_url = server.url();
    std::atomic<int> calls = 0;
    auto client = fixture.client(adding([&](ClientRequest&) {
      if (++calls == 2) ready.count_down();
    }));
    std::stop_source stop;
    std::jthread holder(
        [&] { result_of(client, request("/hold"), Deadline::in(60s, stop.get_token())); });
    taken.wait();
    cancelled = cancel(client, ready);
    stop.request_stop();
    holder.join();
    CHECK(server.connections() == 1);
  }
  CHECK(cancelled.result == "cancelled: GET " + fixture.options.base_url + "/a: cancelled");
  CHECK(cancelled.after < kSoonStopped);
}

TEST_CASE("a stop before the call sends nothing") {
  const ScriptedServer server(silence);
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  std::stop_source stop;
  stop.request_stop();
  CHECK(result_of(client, request("/a"), Deadline::in(60s, stop.get_token())) ==
        "cancelled: GET " + server.url() + "/a: cancelled");
  CHECK(server.connections() == 0);
}

TEST_CASE("the wait for a connection ends by the deadline") {
  std::latch taken(1);
  const ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    taken.count_down();
    peer.wait_closed();
  });
  ClientFixture fixture(server.url());
  fixture.options.budget.at_once = 1;
  auto client = fixture.client();
  std::stop_source stop;
  std::jthread holder(
      [&] { result_of(client, request("/hold"), Deadline::in(60s, stop.get_token())); });
  taken.wait();
  CHECK(result_in(client, request("/a"), 100ms) ==
        "rate_limited: GET " + server.url() +
            "/a: not sent: none of 1 requests at once, which is the budget, ended before the "
            "deadline");
  stop.request_stop();
}
