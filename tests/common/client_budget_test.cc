#include <catch2/catch.hpp>
#include <ctime>
#include <thread>

#include "common/http/client.h"
#include "common/http/pace.h"
#include "common/http/refusal.h"
#include "tests/common/client_fixture.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

constexpr double kOneAnHour = 1.0 / 3600;

Script always(int status, const std::string& headers = "") {
  return answer([=](const std::string&) { return reply(status, "", headers); });
}

/// The Error of a call that must fail long before its deadline.
Error failure_of(Client& client, const std::string& method = "GET") {
  const auto start = Clock::now();
  try {
    client.send(request("/a?b", method), Deadline::in(10min));
  } catch (const Error& error) {
    CHECK(Clock::now() - start < 1min);
    return error;
  }
  FAIL("the request was sent");
  return {Reason::internal, ""};
}

std::string http_date(std::chrono::seconds from_now) {
  const std::time_t then = std::time(nullptr) + from_now.count();
  std::tm parts{};
  char text[64];
  ::gmtime_r(&then, &parts);
  return {text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

/// How long a reply with these headers holds back later calls; empty if it does not.
std::optional<std::chrono::seconds> hold_of(int status, const std::string& headers) {
  const ScriptedServer server(always(status, headers));
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 1;
  const auto response = fixture.client().send(request("/"), soon());
  if (!response.not_before) return {};
  return std::chrono::round<std::chrono::seconds>(*response.not_before - Clock::now());
}

}  // namespace

TEST_CASE("a Retry-After beyond the deadline hands over the reply, and holds for later calls") {
  for (const int status : {429, 503}) {
    CAPTURE(status);
    const ScriptedServer server(always(status, "Retry-After: 3600\r\n"));
    ClientFixture fixture(server.url());
    auto client = fixture.client();
    const auto response = client.send(request("/a"), Deadline::in(10min));
    CHECK(response.status == status);
    CHECK(refusal("x", response).not_before() == response.not_before);
    CHECK(*response.not_before > Clock::now() + 50min);
    for (const auto* method : {"GET", "POST"}) {
      const auto error = failure_of(client, method);
      CHECK(error.reason() == Reason::rate_limited);
      CHECK(error.not_before() == response.not_before);
      CHECK_THAT(error.what(),
                 Catch::Matches(std::string(method) + " " + server.url() +
                                "/a: not sent: the server asked for no more requests until "
                                "[-0-9]+T[0-9:.]+Z \\(Retry-After\\)"));
    }
    CHECK(failure_of(client).what() == std::string(failure_of(client).what()));
    CHECK(server.requests().size() == 1);
    CHECK(fixture.requests() == std::map<std::string, double>{{std::to_string(status), 1}});
  }
}

TEST_CASE("a Retry-After holds for a client that takes the place of another") {
  const ScriptedServer server(always(429, "Retry-After: 3600\r\n")), other(always(200));
  ClientFixture fixture(server.url());
  const auto not_before = fixture.client().send(request("/"), soon()).not_before;
  auto next = fixture.client();
  const auto error = failure_of(next);
  CHECK(error.reason() == Reason::rate_limited);
  CHECK(*error.not_before() >= *not_before);
  CHECK(*error.not_before() < *not_before + 1s);
  CHECK(server.requests().size() == 1);
  // It holds back neither another upstream at this address nor this one at another address.
  fixture.options.name = "beside";
  CHECK(fixture.client().send(request("/"), soon()).status == 429);
  fixture.options.name = "up";
  fixture.options.base_url = other.url();
  CHECK(fixture.client().send(request("/"), soon()).status == 200);
}

TEST_CASE("get() and stream() fail with the time as well") {
  const ScriptedServer server(always(503, "Retry-After: 3600\r\n"));
  const auto not_before = [&](const auto& call) {
    ClientFixture fixture(server.url());
    auto client = fixture.client();
    try {
      call(client);
    } catch (const Error& error) {
      CHECK(error.reason() == Reason::http_status);
      return error.not_before().has_value();
    }
    return false;
  };
  CHECK(not_before([](Client& client) { client.get("/", soon()); }));
  CHECK(not_before([](Client& client) {
    client.stream(
        {}, [](std::string_view) {}, soon());
  }));
}

TEST_CASE("a call whose deadline allows it waits until the time has come") {
  const ScriptedServer server(answer([](const std::string& each) {
    return each.starts_with("POST") ? reply(429, "", "Retry-After: 1\r\n") : reply(200, "");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const auto start = Clock::now();
  CHECK(client.send(request("/", "POST"), soon()).status == 429);
  CHECK(client.send(request("/"), soon()).status == 200);
  CHECK(Clock::now() - start >= 1s);
  CHECK(server.requests().size() == 2);
  CHECK(fixture.durations().at("wait") > 0.5);
}

TEST_CASE("a Retry-After is held for a day at most, by the clock of the reply, if it is overload") {
  CHECK(hold_of(429, "Retry-After: 99999999999999999999\r\n") == 86'400s);
  CHECK(hold_of(502, "Retry-After: 100\r\n") == 100s);
  CHECK(hold_of(503, "Date: " + http_date(-2h) + "\r\nRetry-After: " + http_date(-1h) + "\r\n") ==
        3600s);
  CHECK(hold_of(429, "Retry-After: 0\r\n") == std::nullopt);
  CHECK(hold_of(429, "Retry-After: soon\r\n") == std::nullopt);
  CHECK(hold_of(429, "") == std::nullopt);
  CHECK(hold_of(404, "Retry-After: 100\r\n") == std::nullopt);
  CHECK(hold_of(200, "Retry-After: 100\r\n") == std::nullopt);
}

TEST_CASE("requests go at the budget's rate, whoever sends them") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.budget.requests_per_second = 40;
  auto client = fixture.client();
  const auto start = Clock::now();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 6; ++j) client.send(request("/"), soon());
      });
    }
  }
  CHECK(server.requests().size() == 24);
  CHECK(Clock::now() - start >= 23 * 25ms);
  CHECK(fixture.observations().at("wait") > 0);
}

TEST_CASE("a burst goes at once, and is saved up again by time alone") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.budget = {.requests_per_second = kOneAnHour, .burst = 3};
  auto client = fixture.client();
  for (int i = 0; i < 3; ++i) CHECK(client.send(request("/"), soon()).status == 200);
  const auto error = failure_of(client);
  CHECK(error.reason() == Reason::rate_limited);
  CHECK(error.what() == "GET " + server.url() +
                            "/a: not sent: the budget (requests_per_second: 0.000277778) leaves no "
                            "time for it before the deadline");
  CHECK(server.requests().size() == 3);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 3}});
}

TEST_CASE("clients that share a pace keep one rate, and urgent requests are ahead of it by ten") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.pace =
      std::make_shared<Pace>(Budget{.requests_per_second = kOneAnHour, .burst = 3});
  auto one = fixture.client(), other = fixture.client();
  fixture.options.urgency = Urgency::urgent;
  auto urgent = fixture.client();
  for (auto* client : {&one, &other, &urgent}) client->send(request("/"), soon());
  for (auto* client : {&one, &other}) CHECK(failure_of(*client).reason() == Reason::rate_limited);
  for (int i = 0; i < 10; ++i) CHECK(urgent.send(request("/"), soon()).status == 200);
  CHECK(failure_of(urgent).reason() == Reason::rate_limited);
  CHECK(server.requests().size() == 13);
}

TEST_CASE("ordinary requests wait until those that went first are made up for") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.pace = std::make_shared<Pace>(Budget{.requests_per_second = 40});
  auto client = fixture.client();
  fixture.options.urgency = Urgency::urgent;
  auto urgent = fixture.client();
  const auto start = Clock::now();
  for (int i = 0; i < 8; ++i) urgent.send(request("/"), soon());
  client.send(request("/"), soon());
  CHECK(Clock::now() - start >= 8 * 25ms);
}

TEST_CASE("a Retry-After holds for all clients that share a pace, the urgent ones too") {
  const ScriptedServer server(always(429, "Retry-After: 3600\r\n"));
  ClientFixture fixture(server.url());
  fixture.options.pace = std::make_shared<Pace>(Budget{});
  auto client = fixture.client();
  fixture.options.urgency = Urgency::urgent;
  auto urgent = fixture.client();
  client.send(request("/"), soon());
  CHECK(failure_of(urgent).reason() == Reason::rate_limited);
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a pace follows another budget") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.pace = std::make_shared<Pace>(Budget{.requests_per_second = kOneAnHour});
  auto client = fixture.client();
  fixture.options.pace->set_budget({.requests_per_second = kOneAnHour, .burst = 3});
  for (int i = 0; i < 3; ++i) CHECK(client.send(request("/"), soon()).status == 200);
  CHECK(failure_of(client).reason() == Reason::rate_limited);
}

TEST_CASE("each try counts against the budget: without room for another the reply is handed over") {
  const ScriptedServer server(always(503));
  ClientFixture fixture(server.url());
  fixture.options.budget = {.requests_per_second = kOneAnHour, .burst = 2};
  fixture.options.retry.attempts = 5;
  CHECK(fixture.client().send(request("/"), Deadline::in(1min)).status == 503);
  CHECK(server.requests().size() == 2);
}

TEST_CASE("a stop ends the wait for a turn") {
  const ScriptedServer server(always(200));
  ClientFixture fixture(server.url());
  fixture.options.budget.requests_per_second = kOneAnHour;
  auto client = fixture.client();
  client.send(request("/"), soon());
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  CHECK(result_of(client, request("/"), Deadline::in(2h, stop.get_token())) ==
        "cancelled: GET " + server.url() + "/: cancelled");
  CHECK(server.requests().size() == 1);
}

TEST_CASE("a deadline's tally counts each request that is sent, and none that is not") {
  int replies = 0;
  const ScriptedServer server(answer([&](const std::string& each) {
    if (each.starts_with("GET /old")) return reply(302, "", "Location: /new\r\n");
    return reply(++replies == 1 ? 503 : 200, "");
  }));
  ClientFixture fixture(server.url());
  fixture.options.budget = {.requests_per_second = kOneAnHour, .burst = 3};
  auto client = fixture.client();
  const auto tally = std::make_shared<Deadline::Tally>(0);
  const auto deadline = soon().counted_into(tally);
  CHECK(client.send(request("/old"), deadline.no_later_than(Clock::now() + 10s)).status == 200);
  CHECK(*tally == 3);
  CHECK_THROWS_AS(client.send(request("/old"), deadline), Error);
  CHECK(*tally == 3);
  CHECK(server.requests().size() == 3);
}

TEST_CASE("a budget out of bounds is refused") {
  const auto why = [](const Budget& budget) {
    ClientFixture fixture("http://host");
    fixture.options.budget = budget;
    return error_of(Reason::config, [&] { fixture.client(); });
  };
  const std::string rate =
      "budget: requests_per_second: expected one per day to a million per second";
  CHECK(why({.requests_per_second = -1}) == rate);
  CHECK(why({.requests_per_second = 1e-6}) == rate);
  CHECK(why({.requests_per_second = std::nan("")}) == rate);
  CHECK(why({.burst = 0}) == "budget: burst: expected 1 to 1000");
  CHECK(why({.at_once = 0}) == "budget: at_once: expected 1 to 1000");
  CHECK(why({}) == "no error");
}
