#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <future>
#include <latch>
#include <thread>

#include "common/http/authorize.h"
#include "common/http/client.h"
#include "common/http/refusal.h"
#include "tests/common/client_fixture.h"
#include "tests/common/guarded_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

bool is_401(const ClientResponse& response) { return response.status == 401; }

FetchedToken token(const std::string& text, Clock::duration life = 1h) {
  return {Secret(text), Clock::now() + life};
}

/// Hands out "1", "2", ... which are good for an hour.
struct Issuer {
  std::shared_ptr<std::atomic<int>> count = std::make_shared<std::atomic<int>>(0);
  FetchedToken operator()(const Deadline&) const { return token(std::to_string(++*count)); }
};

/// The credentials of a request.
std::string sent(const Authorize& authorize, const Deadline& deadline = soon()) {
  ClientRequest each;
  authorize.add(each, deadline);
  return each.headers.empty() ? "" : each.headers.at(0).second;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a fetched token is shared, and fetched once by all who need it at the same time") {
  constexpr int kThreads = 8;
  Guarded server("Bearer 1");
  ClientFixture fixture(server.url());
  std::latch all(kThreads);
  std::atomic<int> fetched = 0;
  auto client = fixture.client(with_fetched_token(
      [&](const Deadline&) {
        all.wait();
        return token(std::to_string(++fetched));
      },
      is_401));
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        all.count_down();
        for (int j = 0; j < 5; ++j) right += client.send(request("/"), soon()).body == "in";
      });
    }
  }
  CHECK(right == kThreads * 5);
  CHECK(fetched == 1);
}

TEST_CASE("a token that is refused is replaced for all, by one fetch") {
  constexpr int kThreads = 8;
  Guarded server("Bearer 1");
  ClientFixture fixture(server.url());
  const Issuer issuer;
  auto client = fixture.client(with_fetched_token(issuer, is_401));
  client.send(request("/"), soon());
  server.change("Bearer 2");
  std::atomic<int> right = 0;
  {
    std::latch all(kThreads);
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        all.arrive_and_wait();
        right += client.send(request("/", "POST"), soon()).body == "in";
      });
    }
  }
  CHECK(right == kThreads);
  CHECK(*issuer.count == 2);
}

TEST_CASE("which replies refuse a token is the source's to say, by status and body") {
  const ScriptedServer server(answer([](const std::string& each) {
    if (authorization_of(each) == "Bearer 2") return reply(200, "in");
    return reply(403, each.starts_with("GET /token") ? "{\"detail\":\"Invalid JWT token\"}"
                                                     : "{\"detail\":\"Forbidden\"}");
  }));
  ClientFixture fixture(server.url());
  const Issuer issuer;
  auto client = fixture.client(with_fetched_token(issuer, [](const ClientResponse& response) {
    return response.status == 403 && response.body.find("Invalid JWT token") != std::string::npos;
  }));
  CHECK(client.send(request("/right"), soon()).status == 403);
  CHECK(*issuer.count == 1);
  CHECK(client.send(request("/token"), soon()).body == "in");
  CHECK(*issuer.count == 2);
}

TEST_CASE("tokens that are all refused are fetched less and less often") {
  Guarded server("nobody's");
  ClientFixture fixture(server.url());
  const Issuer issuer;
  auto client = fixture.client(with_fetched_token(issuer, is_401));
  const auto start = Clock::now();
  double seconds = 0;
  for (int calls = 0; calls < 4 || seconds < 1.5; ++calls) {
    CHECK(client.send(request("/"), soon()).status == 401);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  // The first token, its replacement, one after 1 s, another after 2 s more, and so on.
  CHECK(*issuer.count >= 3);
  CHECK(*issuer.count <= 2 + std::log2(seconds + 1));
}

TEST_CASE("a failed fetch is what all get for a while, and is then tried again") {
  std::atomic<int> fetched = 0;
  const auto authorize = with_fetched_token(
      [&](const Deadline&) -> FetchedToken {
        ++fetched;
        throw Error(Reason::auth, "POST /token: status 401");
      },
      is_401);
  const auto start = Clock::now();
  double seconds = 0;
  while (seconds < 1.5) {
    CHECK(error_of(Reason::auth, [&] { sent(authorize); }) == "POST /token: status 401");
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
    std::this_thread::sleep_for(1ms);
  }
  CHECK(fetched >= 2);
  CHECK(fetched <= 1 + std::log2(seconds + 1));
}

TEST_CASE("the token endpoint is left alone until the time that it named") {
  std::atomic<int> fetched = 0;
  const auto not_before = Clock::now() + 1h;
  const auto authorize = with_fetched_token(
      [&](const Deadline&) -> FetchedToken {
        ++fetched;
        throw Error(Reason::rate_limited, "slow down", not_before);
      },
      is_401);
  for (const auto until = Clock::now() + 1200ms; Clock::now() < until;) {
    try {
      sent(authorize);
      FAIL("there was a token");
    } catch (const Error& error) {
      CHECK(error.not_before() == not_before);
    }
    std::this_thread::sleep_for(10ms);
  }
  CHECK(fetched == 1);
}

TEST_CASE("who waits for another's fetch does so by an own deadline and stop") {
  std::promise<void> go_on;
  std::latch under_way(1);
  const auto authorize = with_fetched_token(
      [&, go = go_on.get_future().share()](const Deadline&) {
        under_way.count_down();
        go.wait();
        return token("1");
      },
      is_401);
  std::jthread first([&] { CHECK(sent(authorize) == "Bearer 1"); });
  under_way.wait();
  CHECK(error_of(Reason::timeout, [&] { sent(authorize, Deadline::in(50ms)); }) ==
        "deadline passed");
  std::stop_source stop;
  std::jthread stopper([&] {
    std::this_thread::sleep_for(50ms);
    stop.request_stop();
  });
  CHECK(error_of(Reason::cancelled,
                 [&] { sent(authorize, Deadline::in(1min, stop.get_token())); }) == "cancelled");
  go_on.set_value();
  first.join();
  CHECK(sent(authorize) == "Bearer 1");
}

TEST_CASE("a fetch that was stopped or out of time, or broke, says nothing to the next") {
  int fetched = 0;
  const auto authorize = with_fetched_token(
      [&](const Deadline&) {
        switch (++fetched) {
          case 1: throw Error(Reason::cancelled, "cancelled");
          case 2: throw Error(Reason::timeout, "late");
          case 3: throw std::runtime_error("broken");
          default: return token("4");
        }
      },
      is_401);
  CHECK(error_of(Reason::cancelled, [&] { sent(authorize); }) == "cancelled");
  CHECK(error_of(Reason::timeout, [&] { sent(authorize); }) == "late");
  CHECK_THROWS_WITH(sent(authorize), "broken");
  CHECK(sent(authorize) == "Bearer 4");
}

TEST_CASE("a token is renewed before it expires, and used until then when that fails") {
  int fetched = 0;
  Clock::time_point expires, failed;
  const auto authorize = with_fetched_token(
      [&](const Deadline& deadline) {
        if (++fetched == 1) {
          auto first = token("1", 8s);
          expires = first.expires_at;
          return first;
        }
        if (fetched == 2) {
          CHECK(deadline.left() <= 10s);  // half of the request's time
          failed = Clock::now();
          throw Error(Reason::timeout, "late");
        }
        return token("3");
      },
      is_401);
  std::string last = sent(authorize);
  while (last == "Bearer 1") {
    std::this_thread::sleep_for(10ms);
    last = sent(authorize);
  }
  CHECK(last == "Bearer 3");
  CHECK(fetched == 3);
  CHECK(failed < expires);
}

TEST_CASE("a token that seems to have expired before it came is used for a moment") {
  int fetched = 0;
  const auto authorize = with_fetched_token(
      [&](const Deadline&) { return token(std::to_string(++fetched), -1h); }, is_401);
  const auto start = Clock::now();
  double seconds = 0;
  while (fetched < 2) {
    sent(authorize);
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  CHECK(seconds >= 0.7);
}

TEST_CASE("a token is fetched through another client, within the deadline and its tally") {
  const ScriptedServer issuer(answer([](const std::string& each) {
    return reply(each.ends_with("sesame") ? 200 : 401, "{\"access_token\": \"1\"}");
  }));
  Guarded server("Bearer 1");
  ClientFixture endpoint(issuer.url());
  ClientFixture fixture(server.url());
  auto tokens = endpoint.client();
  std::string password = "sesame";
  const auto fetch = [&](const Deadline& deadline) -> FetchedToken {
    auto each = request("/auth/token", "POST", password);
    each.idempotent = true;
    const auto response = tokens.send(each, deadline);
    if (response.status != 200) throw refusal("POST /auth/token", response);
    return token(Json::parse(response.body, "POST /auth/token").at("access_token").string());
  };
  auto client = fixture.client(with_fetched_token(fetch, is_401));
  const auto tally = std::make_shared<Deadline::Tally>(0);
  CHECK(client.send(request("/"), soon().counted_into(tally)).body == "in");
  CHECK(*tally == 2);
  password = "wrong";
  auto other = fixture.client(with_fetched_token(fetch, is_401));
  CHECK(result_of(other, request("/")) == "auth: POST /auth/token: status 401");
  CHECK(server.seen() == Lines{"Bearer 1"});
}
