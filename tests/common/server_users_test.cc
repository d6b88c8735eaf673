#include <atomic>
#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/site.h"
#include "tests/support/hung_file.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Server;

TEST_CASE("users must say who they are, but on open paths") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) +
                  "\n  bob: " + kBuilder + "\n");
  const Server server(site.options(), page);
  CHECK_FALSE(server.tls());
  CHECK(without_date(get(server, "/metrics")) ==
        "HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n"
        "WWW-Authenticate: Basic realm=\"exporter\", charset=\"UTF-8\"\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 13\r\n\r\nunauthorized\n");
  CHECK(body_of(get(server, "/metrics", kAsAlice)) == "user alice\n");
  CHECK(body_of(get(server, "/metrics", kAsBob)) == "user bob\n");
  CHECK(status(server, "Authorization: Basic YWxpY2U6YnVpbGRlcg==\r\n") == "401");
  CHECK(status(server, "Authorization: Basic bm9ib2R5Ong=\r\n") == "401");
  CHECK(status(server, "Authorization: Bearer YWxpY2U6d29uZGVybGFuZA==\r\n") == "401");
  CHECK(status(server, std::string(kAsAlice) + kAsAlice) == "401");
  CHECK(body_of(get(server, "/-/healthy")) == "user \n");
  CHECK(status_of(get(server, "/-/healthy/")) == "401");
  CHECK(status_of(get(server, "//-/healthy")) == "401");
  CHECK(status_of(get(server, "/-/%68ealthy")) == "200");
}

TEST_CASE("a refused connection stays usable for the right credentials") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const Server server(site.options(), page);
  RawClient client(server.port());
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(status_of(client.read_response()) == "401");
  client.say("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(status_of(client.read_response()) == "401");
  client.say("GET /metrics HTTP/1.1\r\nHost: x\r\n" + std::string(kAsAlice) + "\r\n");
  CHECK(status_of(client.read_response()) == "200");
}

TEST_CASE("users rotate without a restart, and a faulty file keeps the old ones") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  const Server server(site.options(), page);
  CHECK(status(server, kAsAlice) == "200");
  CHECK(status(server, kAsBob) == "401");

  site.write("web.yml", "basic_auth_users:\n  bob: hunter2\n");
  CHECK(eventually(
      [&] { return status(server, kAsAlice) == "200" && !log.lines("not reloaded").empty(); }));
  CHECK(status(server, kAsAlice) == "200");

  site.write("web.yml", "basic_auth_users:\n  bob: " + std::string(kBuilder) + "\n");
  CHECK(eventually([&] { return status(server, kAsBob) == "200"; }));
  CHECK(status(server, kAsAlice) == "401");
  CHECK(log.lines("not reloaded").size() == 1);
  CHECK(log.lines("hunter2").empty());
}

TEST_CASE(
    "a file system that hangs keeps the configuration that was read, and delays one request") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  std::atomic<int> is_read = -1;
  auto options = site.options();
  options.web_config_reloaded = [&](bool successful) { is_read = successful ? 1 : 0; };
  const Server server(std::move(options), page);
  {
    const HungFile hung(site.file("web.yml"));
    CHECK(eventually([&] {
      return status(server, kAsAlice) == "200" && !log.lines("does not respond").empty();
    }));
    CHECK(status(server, kAsAlice) == "200");
    CHECK(status(server, kAsBob) == "401");
    CHECK(log.lines("does not respond").size() == 1);
    CHECK(eventually([&] { return status(server, kAsAlice) == "200" && is_read == 0; }));
  }
  CHECK(eventually([&] { return status(server, kAsAlice) == "200" && is_read == 1; }));
  site.write("web.yml", "basic_auth_users:\n  bob: " + std::string(kBuilder) + "\n");
  CHECK(eventually([&] { return status(server, kAsBob) == "200"; }));
}

TEST_CASE("a server stops although the file system of its web configuration hangs") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  auto server = std::make_unique<Server>(site.options(), page);
  const HungFile hung(site.file("web.yml"));
  CHECK(eventually([&] {
    return status(*server, kAsAlice) == "200" && !log.lines("does not respond").empty();
  }));
  CHECK(server->stop(std::chrono::seconds(10)));
  server.reset();
}

TEST_CASE("switching TLS on needs a restart, and is said once") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  const Server server(site.options(), page);
  site.write("web.yml", kTls);
  CHECK(
      eventually([&] { return status(server) == "401" && !log.lines("needs a restart").empty(); }));
  CHECK(status(server, kAsAlice) == "200");
  CHECK(log.lines("needs a restart").size() == 1);
}

TEST_CASE("a faulty file at start is an error of the configuration") {
  const Site site("basic_auth_users:\n  alice: x\n");
  try {
    const Server server(site.options(), page);
    FAIL("started");
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::config);
    CHECK(
        error.what() ==
        site.file("web.yml") +
            ":2:10: basic_auth_users.alice: not a bcrypt hash as made by `htpasswd -nBC 10 \"\"`");
  }
}

TEST_CASE("requests beyond the rate limit get 429, but not on open paths") {
  const Site site("rate_limit:\n  interval: 1h\n  burst: 2\n");
  const Server server(site.options(), page);
  CHECK(status(server) == "200");
  CHECK(status_of(get(server, "/-/healthy")) == "200");
  CHECK(status(server) == "200");
  CHECK(status(server) == "429");
  CHECK(status_of(get(server, "/-/healthy")) == "200");
}

TEST_CASE("configured headers are on every response; that HTTP/2 is not served is said once") {
  const Site site(
      "http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n"
      "basic_auth_users:\n  alice: " +
      std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  const Server server(site.options(), page);
  for (const std::string headers : {"", kAsAlice}) {
    CHECK(get(server, "/metrics", headers).find("\r\nX-Frame-Options: deny\r\n") !=
          std::string::npos);
  }
  CHECK(log.lines("msg=\"HTTP/2 is not supported, HTTP/1.1 is used\"").size() == 1);
}

TEST_CASE("the access log says who read what, without the query, the password and health checks") {
  const Site site("basic_auth_users:\n  alice: " + std::string(kWonderland) + "\n");
  const CaughtLog log(site.file("log"));
  {
    auto options = site.options();
    options.access_log = true;
    Server server(options, page);
    get(server, "/metrics?token=hunter2", kAsAlice);
    get(server, "/metrics");
    get(server, "/-/healthy");
    server.stop(10s);
  }
  const auto lines = log.lines("msg=request");
  REQUIRE(lines.size() == 2);
  const auto before_duration = [](const std::string& line) {
    return line.substr(0, line.find(" duration="));
  };
  CHECK(before_duration(lines[0]) ==
        "msg=request client=127.0.0.1 user=alice method=GET path=/metrics status=200 bytes=11");
  CHECK(before_duration(lines[1]) ==
        "msg=request client=127.0.0.1 user=\"\" method=GET path=/metrics status=401 bytes=13");
}
