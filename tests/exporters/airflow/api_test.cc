#include "exporters/airflow/api.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "common/base/error.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

const std::string kPools2 = "GET /api/v1/pools?limit=100&offset=0";
const std::string kPools3 = "GET /api/v2/pools?limit=100&offset=0";
const Query kPage{{"limit", "100"}, {"offset", "0"}};

Deadline soon() { return Deadline::in(std::chrono::minutes(5)); }

std::string refusal(Deployment& deployment, const std::string& path = "/pools") {
  return error_of(Reason::auth, [&] { deployment.api.get(path, kPage, soon()); });
}

}  // namespace

TEST_CASE("callers that come together ask for the version and log in once") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&] { deployment->api.get("/pools", kPage, soon()); });
  }
  for (auto& caller : callers) caller.join();
  CHECK(airflow.count(kPools3) == 8);
  CHECK(airflow.count("GET /api/v2/version") == 1);
  CHECK(airflow.count("POST /auth/token") == 1);
}

TEST_CASE("who waits for the version of a server that hangs waits until its own deadline") {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.wait_closed();
  });
  const auto deployment = deployment_of(server.url());
  std::stop_source stop;
  std::thread first([&] {
    error_of(Reason::cancelled, [&] {
      deployment->api.release(Deadline::in(std::chrono::minutes(5), stop.get_token()));
    });
  });
  while (server.connections() == 0) std::this_thread::yield();
  error_of(Reason::timeout,
           [&] { deployment->api.release(Deadline::in(std::chrono::milliseconds(20))); });
  stop.request_stop();
  first.join();
}

TEST_CASE("while the version is asked for again, others use the known one") {
  const auto json = [](int status, const std::string& body) {
    return reply(status, body, "Content-Type: application/json\r\n");
  };
  std::atomic<int> versions = 0;
  ScriptedServer server([&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (request.starts_with("GET /api/v2/version")) {
        if (++versions > 1) return peer.wait_closed();
        peer.write(json(200, R"({"version": "3.3.2"})"));
      } else if (request.starts_with("POST /auth/token")) {
        peer.write(json(201, R"({"access_token": "t"})"));
      } else if (request.starts_with("GET /api/v2/pools")) {
        peer.write(json(200, R"({"pools": []})"));
      } else {
        peer.write(json(404, "{}"));
      }
    }
  });
  const auto deployment = deployment_of(server.url());
  deployment->api.get("/pools", kPage, soon());
  error_of(Reason::http_status, [&] { deployment->api.get("/nothing", {}, soon()); });
  std::stop_source stop;
  std::thread first([&] {
    error_of(Reason::cancelled, [&] {
      deployment->api.release(Deadline::in(std::chrono::minutes(5), stop.get_token()));
    });
  });
  while (versions < 2) std::this_thread::yield();
  CHECK_NOTHROW(deployment->api.get("/pools", kPage, Deadline::in(std::chrono::seconds(60))));
  stop.request_stop();
  first.join();
}

TEST_CASE("an expired token and one that is called invalid are renewed once") {
  const auto* refused = GENERATE("expired", "bad_token");
  CAPTURE(refused);
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  CHECK_NOTHROW(deployment->api.get("/pools", kPage, soon()));
  airflow.set_file(kPools3, refused);
  CHECK_THAT(refusal(*deployment),
             Catch::StartsWith("GET " + airflow.url() + "/api/v2/pools: status 40"));
  CHECK(airflow.count(kPools3) == 3);
  CHECK(airflow.count("POST /auth/token") == 2);
}

TEST_CASE("another 403 of Airflow 3 is a right that is missing") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  airflow.set_file(kPools3, "forbidden");
  CHECK(refusal(*deployment) ==
        "GET " + airflow.url() +
            "/api/v2/pools: status 403: the user's role may not read this list");
  CHECK(airflow.count(kPools3) == 1);
  CHECK(airflow.count("POST /auth/token") == 1);
}

TEST_CASE("a refused login says so and shows no password") {
  Replay airflow("3.3");
  airflow.set_file("POST /auth/token", "login_refused");
  const auto deployment = deployment_of(airflow.url(), "username: viewer, password: hush");
  CHECK(refusal(*deployment) ==
        "POST " + airflow.url() +
            "/auth/token: status 401: Invalid credentials: check username and password");
  REQUIRE(deployment->api.refused());
}

TEST_CASE("the first refusal of Airflow 2 names its four causes, a later one is that of a list") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  airflow.set_file(kPools2, "refused");
  const auto why = refusal(*deployment);
  for (const auto* cause : {"credentials are wrong", "did not arrive", "auth_backends", "role"}) {
    CHECK_THAT(why, Catch::Contains(cause));
  }
  REQUIRE(deployment->api.refused());
  CHECK(deployment->api.refused()->what() == why);

  deployment->api.get("/importErrors", kPage, soon());
  CHECK_FALSE(deployment->api.refused());
  CHECK(refusal(*deployment) ==
        "GET " + airflow.url() +
            "/api/v1/pools: status 403: the user's role may not read this list");
  CHECK_FALSE(deployment->api.refused());
}

TEST_CASE("a login of Airflow 2 that is refused later is, when every list was refused") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  deployment->api.get("/pools", kPage, soon());
  deployment->api.get("/importErrors", kPage, soon());
  airflow.set_file(kPools2, "refused");
  airflow.set_file("GET /api/v1/importErrors?limit=100&offset=0", "refused");
  CHECK_THAT(refusal(*deployment), Catch::EndsWith("may not read this list"));
  CHECK_FALSE(deployment->api.refused());
  CHECK_THAT(refusal(*deployment, "/importErrors"), Catch::Contains("auth_backends"));
  REQUIRE(deployment->api.refused());
}

TEST_CASE("a login of Airflow 3 that is refused later is at once") {
  const auto* refused = GENERATE("expired", "bad_token");
  CAPTURE(refused);
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  deployment->api.get("/importErrors", kPage, soon());
  airflow.set_file(kPools3, "forbidden");
  refusal(*deployment);
  CHECK_FALSE(deployment->api.refused());
  airflow.set_file("POST /auth/token", "login_refused");
  airflow.set_file(kPools3, refused);
  refusal(*deployment);
  REQUIRE(deployment->api.refused());
}

TEST_CASE("health needs no login, and says nothing of one") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  deployment->api.get_open("/health", soon());
  for (const auto& request : airflow.requests()) {
    CHECK_THAT(request, !Catch::Contains("Authorization"));
  }
  airflow.set_file(kPools2, "refused");
  CHECK_THAT(refusal(*deployment), Catch::Contains("auth_backends"));
}

TEST_CASE("the requests of a deployment, with and without a login, share its budget") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(
      airflow.url(), "username: a, password: b, budget: {requests_per_second: 0.0003, burst: 6}");
  deployment->api.get_open("/monitor/health", soon());  // after /api/v2/version
  deployment->api.get("/pools", kPage, soon());         // after POST /auth/token
  deployment->api.get("/pools", kPage, soon());
  deployment->api.get("/pools", kPage, soon());
  const auto sent = airflow.requests().size();
  CHECK(sent == 6);
  error_of(Reason::rate_limited, [&] { deployment->api.get("/pools", kPage, soon()); });
  CHECK(airflow.requests().size() == sent);
  SECTION("and health is not held up by what has used it up") {
    CHECK_NOTHROW(deployment->api.get_open("/monitor/health", soon()));
  }
}

TEST_CASE("without a budget of the user's, that of the version holds for all requests") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  const auto start = Clock::now();
  for (int i = 0; i < 4; ++i) deployment->api.get_open("/health", soon());
  for (int i = 0; i < 15; ++i) deployment->api.get("/pools", kPage, soon());
  CHECK(airflow.requests().size() == 21);  // two of them for the version; the burst is 20
  CHECK(Clock::now() - start >= std::chrono::milliseconds(1900));
}

TEST_CASE("an upgrade behind the same URL is found") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  deployment->api.get("/pools", kPage, soon());
  CHECK(deployment->api.release(soon()) == Release{ApiVersion::v1, "2.11.2"});
  airflow.become("3.3");
  CHECK_THAT(error_of(Reason::http_status, [&] { deployment->api.get("/pools", kPage, soon()); }),
             Catch::Contains("status 404"));
  CHECK(deployment->api.release(soon()) == Release{ApiVersion::v2, "3.3.2"});
  CHECK_NOTHROW(deployment->api.get("/pools", kPage, soon()));
}

TEST_CASE("a path that is not found costs no new login") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  deployment->api.get("/pools", kPage, soon());
  error_of(Reason::http_status, [&] { deployment->api.get("/nothing", {}, soon()); });
  deployment->api.get("/pools", kPage, soon());
  CHECK(airflow.count("GET /api/v2/version") == 2);
  CHECK(airflow.count("POST /auth/token") == 1);
}

TEST_CASE("what is not Airflow's is said") {
  Replay airflow("2.11");
  const auto page = reply(200, "<html>Log in</html>", "Content-Type: text/html\r\n");
  SECTION("a page to log in, everywhere") {
    airflow.set("GET /api/v1/version", page);
    airflow.set("GET /api/v2/version", page);
    const auto deployment = deployment_of(airflow.url());
    CHECK(error_of(Reason::decode, [&] { deployment->api.release(soon()); }) ==
          "no Airflow: GET " + airflow.url() + "/api/v2/version: text/html, GET " + airflow.url() +
              "/api/v1/version: text/html");
  }
  SECTION("a page to log in, once the login is required") {
    airflow.set(kPools2, page);
    const auto deployment = deployment_of(airflow.url());
    CHECK(error_of(Reason::decode, [&] { deployment->api.get("/pools", kPage, soon()); }) ==
          "GET " + airflow.url() +
              "/api/v1/pools: expected JSON, got text/html: a login page, or another server");
  }
  SECTION("a body that was cut") {
    airflow.set_json(kPools2, R"({"pools": [{"name": "a")");
    const auto deployment = deployment_of(airflow.url());
    error_of(Reason::decode, [&] { deployment->api.get("/pools", kPage, soon()); });
  }
}
