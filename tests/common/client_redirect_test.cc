#include <catch2/catch.hpp>

#include "common/http/client.h"
#include "common/http/url.h"
#include "tests/common/client_fixture.h"

using namespace exporter;
using namespace exporter::http;

namespace {

std::string redirect(int status, const std::string& location) {
  return reply(status, "moved", "Location: " + location + "\r\n");
}

/// The method, the target and the body of each request.
std::vector<std::string> asked(const ScriptedServer& server) {
  std::vector<std::string> all;
  for (const auto& each : server.requests()) {
    all.push_back(each.substr(0, each.find(" HTTP/1.1")) + " " +
                  each.substr(each.find("\r\n\r\n") + 4));
  }
  return all;
}

}  // namespace

TEST_CASE("a redirect within the origin is followed, with credentials") {
  const ScriptedServer server(answer([](const std::string& each) {
    if (each.starts_with("GET /api/a?x=1 ")) return redirect(302, "b?y=2");
    if (each.starts_with("GET /api/b?y=2 ")) return redirect(301, "/c");
    return reply(200, each.find("\r\nAuthorization: key\r\n") != each.npos ? "known" : "unknown");
  }));
  ClientFixture fixture(server.url() + "/api");
  auto client = fixture.client(
      adding([](ClientRequest& each) { each.headers.emplace_back("Authorization", "key"); }));
  CHECK(client.send(request("/a?x=1"), soon()).body == "known");
  CHECK(asked(server) == std::vector<std::string>{"GET /api/a?x=1 ", "GET /api/b?y=2 ", "GET /c "});
  CHECK(server.connections() == 1);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 1}, {"301", 1}, {"302", 1}});
}

TEST_CASE("the same origin written in full is the same origin") {
  std::string location;
  const ScriptedServer server(answer([&](const std::string& each) {
    return each.starts_with("GET /a ") ? redirect(307, location) : reply(200, "there");
  }));
  location = "HTTP://user:password@127.0.0.1:" + std::to_string(server.port()) + "/b#fragment";
  ClientFixture fixture(server.url());
  CHECK(fixture.client().send(request("/a"), soon()).body == "there");
  CHECK(asked(server) == std::vector<std::string>{"GET /a ", "GET /b "});
  CHECK(server.requests().back().find("Authorization") == std::string::npos);
}

TEST_CASE("303 asks again with a GET, 307 and 308 repeat the request") {
  const ScriptedServer server(answer([](const std::string& each) {
    const auto at = each.find('/');
    const std::string target = each.substr(at, each.find(' ', at) - at);
    return target == "/end" ? reply(200, "") : redirect(std::stoi(target.substr(1)), "/end");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  for (const auto& [method, target] :
       std::vector<std::pair<const char*, const char*>>{{"POST", "/301"},
                                                        {"POST", "/302"},
                                                        {"POST", "/303"},
                                                        {"POST", "/307"},
                                                        {"POST", "/308"},
                                                        {"PUT", "/301"},
                                                        {"PUT", "/303"},
                                                        {"HEAD", "/303"}}) {
    auto each = request(target, method, method == std::string("HEAD") ? "" : "x");
    each.headers = {{"content-type", "text/plain"}, {"X-Kept", "1"}};
    CHECK(client.send(std::move(each), soon()).status == 200);
  }
  CHECK(asked(server) ==
        std::vector<std::string>{"POST /301 x", "GET /end ", "POST /302 x", "GET /end ",
                                 "POST /303 x", "GET /end ", "POST /307 x", "POST /end x",
                                 "POST /308 x", "POST /end x", "PUT /301 x", "PUT /end x",
                                 "PUT /303 x", "GET /end ", "HEAD /303 ", "HEAD /end "});
  const std::string followed = server.requests().at(1);
  CHECK(followed.find("content-type") == std::string::npos);
  CHECK(followed.find("X-Kept: 1") != std::string::npos);
}

TEST_CASE(
    "a redirect to another scheme, host or port is an error that names it, and sends nothing") {
  const ScriptedServer other(answer([](const std::string&) { return reply(200, "stolen"); }));
  const std::string port = std::to_string(other.port());
  std::string location;
  const ScriptedServer server(answer([&](const std::string&) { return redirect(302, location); }));
  ClientFixture fixture(server.url());
  auto client = fixture.client(
      adding([](ClientRequest& each) { each.headers.emplace_back("Authorization", "hunter2"); }));
  const std::vector<std::pair<std::string, std::string>> locations = {
      {other.url() + "/x?token=hunter2", other.url()},
      {"//localhost:" + port + "/", "http://localhost:" + port},
      {"https://127.0.0.1:" + std::to_string(server.port()) + "/",
       "https://127.0.0.1:" + std::to_string(server.port())},
      {"http://hunter2:hunter2@sso.example/login", "http://sso.example"},
      {"file:///etc/passwd", "file://"}};
  for (const auto& [to, origin] : locations) {
    location = to;
    CHECK(result_of(client, request("/a?token=hunter2")) ==
          "http_status: GET " + server.url() + "/a: redirected to " + origin +
              ", which is not followed: another scheme, host or port");
  }
  CHECK(other.connections() == 0);
  CHECK(server.requests().size() == locations.size());
}

TEST_CASE("redirects end after so many") {
  int number = 0;
  const ScriptedServer server(
      answer([&](const std::string&) { return redirect(302, "/" + std::to_string(++number)); }));
  ClientFixture fixture(server.url());
  fixture.options.max_redirects = 3;
  auto client = fixture.client();
  CHECK(result_of(client, request("/0")) ==
        "http_status: GET " + server.url() + "/3: more than 3 redirects");
  CHECK(asked(server) == std::vector<std::string>{"GET /0 ", "GET /1 ", "GET /2 ", "GET /3 "});
}

TEST_CASE("a 3xx that leads nowhere is a reply like others") {
  const ScriptedServer server(answer([](const std::string& each) {
    return each.starts_with("GET /304") ? reply(304, "", "Location: /other\r\n") : reply(302, "x");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  CHECK(client.send(request("/304"), soon()).status == 304);
  CHECK(client.send(request("/302"), soon()).body == "x");
}

TEST_CASE("a redirect that is then told to come back later is tried again where it led") {
  int replies = 0;
  const ScriptedServer server(answer([&](const std::string& each) {
    if (each.starts_with("POST ")) return redirect(303, "/result");
    return reply(replies++ == 0 ? 503 : 200, "");
  }));
  ClientFixture fixture(server.url());
  CHECK(fixture.client().send(request("/start", "POST", "x"), soon()).status == 200);
  CHECK(asked(server) == std::vector<std::string>{"POST /start x", "GET /result ", "GET /result "});
}

TEST_CASE("an address keeps its zone, whose case counts") {
  const auto address = http::parse_url("HTTP://[FE80::1%25Eth0]:8080/a");
  REQUIRE(address);
  CHECK(address->origin == "http://[fe80::1%25Eth0]:8080");
  CHECK(http::parse_url("http://[::1]/")->origin == "http://[::1]");
}
