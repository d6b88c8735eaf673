#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"
#include "tests/common/guarded_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::http;

using Lines = std::vector<std::string>;

TEST_CASE("headers of the client's own are sent where the request has none of that name") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture fixture(server.url());
  ::setenv("CLIENT_TEST_KEY", "one", 1);
  fixture.options.headers = {{"X-Key", SecretSource::env("CLIENT_TEST_KEY")},
                             {"accept", SecretSource::literal(Secret("text/html"))}};
  auto client = fixture.client();
  auto each = request("/");
  each.headers = {{"Accept", "application/json"}};
  client.send(each, soon());
  ::setenv("CLIENT_TEST_KEY", "two", 1);
  client.send(request("/"), soon());
  ::unsetenv("CLIENT_TEST_KEY");
  const auto requests = server.requests();
  CHECK(requests.at(0).find("\r\nX-Key: one\r\n") != std::string::npos);
  CHECK(requests.at(0).find("text/html") == std::string::npos);
  CHECK(requests.at(1).find("\r\nX-Key: two\r\n") != std::string::npos);
  CHECK(requests.at(1).find("\r\naccept: text/html\r\n") != std::string::npos);
  CHECK(result_of(client, request("/")) ==
        "config: environment variable CLIENT_TEST_KEY: not set or empty");
}

TEST_CASE("a proxy's user and password are sent to it alone, and read at each try") {
  const ScriptedServer proxy(answer([](const std::string& each) {
    return each.starts_with("CONNECT") ? "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
                                       : reply(200, "");
  }));
  ClientFixture fixture("http://upstream.test");
  ::setenv("CLIENT_TEST_KEY", "first", 1);
  fixture.options.proxy = {
      proxy.url(),
      Proxy::Login{SecretSource::literal(Secret("me")), SecretSource::env("CLIENT_TEST_KEY")},
      {}};
  auto client = fixture.client();
  CHECK(result_of(client, request("/")) == "status 200");
  ::setenv("CLIENT_TEST_KEY", "hunter2", 1);
  CHECK(result_of(client, request("/")) == "status 200");
  fixture.options.base_url = "https://upstream.test";
  auto tunnelled = fixture.client();
  CHECK(result_of(tunnelled, request("/")) ==
        "auth: GET https://upstream.test/: proxy: status 407 to CONNECT");
  ::unsetenv("CLIENT_TEST_KEY");
  const auto requests = proxy.requests();
  REQUIRE(requests.size() == 3);
  CHECK(requests[0].find("\r\nProxy-Authorization: Basic bWU6Zmlyc3Q=\r\n") != std::string::npos);
  CHECK(requests[1].find("\r\nProxy-Authorization: Basic bWU6aHVudGVyMg==\r\n") !=
        std::string::npos);
  CHECK(requests[2].find("\r\nProxy-Authorization: Basic bWU6aHVudGVyMg==\r\n") !=
        std::string::npos);
}

TEST_CASE("hosts may be reached without the proxy") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, "direct"); }));
  ClientFixture fixture(server.url());
  fixture.options.proxy.url = "http://127.0.0.1:" + std::to_string(closed_port());
  fixture.options.proxy.none = {"example.com", "127.0.0.0/8"};
  CHECK(fixture.client().send(request("/"), soon()).body == "direct");
  fixture.options.proxy.none = {"example.com"};
  fixture.options.retry.attempts = 1;
  auto client = fixture.client();
  CHECK(result_of(client, request("/")) ==
        "connect: GET " + server.url() + "/: proxy: connection refused");
}

TEST_CASE("credentials that are refused are renewed once, for any method, beside the other tries") {
  Guarded server("2");
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 1;
  std::string key = "1";
  int heard = 0;
  auto client = fixture.client({[&](ClientRequest& each, const Deadline&) {
                                  each.headers.emplace_back("Authorization", key);
                                },
                                [&](const ClientRequest& each, const ClientResponse& response) {
                                  ++heard;
                                  CHECK(each.headers.at(0).second == key);
                                  if (response.status != 401) return false;
                                  CHECK(response.body == "out");
                                  key += "2";
                                  key.erase(0, 1);
                                  return true;
                                }});
  CHECK(client.send(request("/", "POST", "x"), soon()).body == "in");
  CHECK(server.seen() == Lines{"1", "2"});
  server.change("nobody's");
  CHECK(client.send(request("/", "POST", "x"), soon()).status == 401);
  CHECK(server.seen() == Lines{"1", "2", "2", "2"});
  CHECK(heard == 4);
  std::string seen;
  CHECK(error_of(Reason::auth, [&] {
          client.stream(
              request("/"), [&](std::string_view piece) { seen += piece; }, soon());
        }) == "GET " + server.url() + "/: status 401");
  CHECK(seen.empty());
  CHECK(heard == 6);
}
