#include "common/http/client.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "common/http/server.h"
#include "tests/common/client_fixture.h"
#include "tests/support/temporary_directory.h"
#include "version.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

std::string user_agent() {
  return std::string("User-Agent: data-platform-exporters/") + kVersion + "\r\n";
}

/// The headers that the client adds to each request.
std::string own_headers(const ScriptedServer& server) {
  return "Host: 127.0.0.1:" + std::to_string(server.port()) + "\r\n" + user_agent() +
         "Accept: */*\r\nAccept-Encoding: gzip\r\n";
}

std::string first_line(const std::string& text) { return text.substr(0, text.find("\r\n")); }

std::vector<std::string> first_lines(const ScriptedServer& server) {
  std::vector<std::string> lines;
  for (const auto& each : server.requests()) lines.push_back(first_line(each));
  return lines;
}

std::string construction_error(const ClientFixture& fixture) {
  ClientFixture other;
  other.options = fixture.options;
  try {
    other.client();
  } catch (const Error& error) {
    return std::string(to_string(error.reason())) + ": " + error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE(
    "a reply comes with its status, body and headers, names in lower case, equal ones joined") {
  const ScriptedServer server(answer([](const std::string&) {
    return reply(404, "gone", "X-One: a\r\nSet-Cookie: b=1\r\nset-cookie:  c=2 \r\nX-Empty:\r\n");
  }));
  ClientFixture fixture(server.url());
  const auto response = fixture.client().send(request("/dags?limit=1"), soon());
  CHECK(response.status == 404);
  CHECK(response.body == "gone");
  CHECK(response.headers ==
        Headers{
            {"content-length", "4"}, {"set-cookie", "b=1, c=2"}, {"x-empty", ""}, {"x-one", "a"}});
  CHECK(server.requests() ==
        std::vector<std::string>{"GET /dags?limit=1 HTTP/1.1\r\n" + own_headers(server) + "\r\n"});
}

TEST_CASE("headers are those of the final reply, without interim replies and trailers") {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nX-One: early\r\n\r\n"
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-One: final,\r\n  folded\r\n\r\n"
        "2\r\nab\r\n1\r\nc\r\n0\r\nX-One: trailer\r\n\r\n");
    peer.wait_closed();
  });
  ClientFixture fixture(server.url());
  const auto response = fixture.client().send(request("/"), soon());
  CHECK(response.body == "abc");
  CHECK(response.headers == Headers{{"transfer-encoding", "chunked"}, {"x-one", "final, folded"}});
}

TEST_CASE("each method is sent as it is, with a body where it has one") {
  const ScriptedServer server(answer([](const std::string& each) {
    return each.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"
                                    : reply(200, "");
  }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  auto post = request("/a", "POST", "{\"a\":1}");
  post.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
  client.send(post, soon());
  client.send(request("/b", "POST"), soon());
  client.send(request("/c", "PUT", std::string("\0x", 2)), soon());
  client.send(request("/d", "DELETE"), soon());
  client.send(request("/e", "HEAD"), soon());
  const std::string own = own_headers(server);
  CHECK(server.requests() ==
        std::vector<std::string>{
            "POST /a HTTP/1.1\r\n" + own +
                "Content-Type: application/json\r\nX-Empty:\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
            "POST /b HTTP/1.1\r\n" + own + "Content-Length: 0\r\n\r\n",
            "PUT /c HTTP/1.1\r\n" + own + "Content-Length: 2\r\n\r\n" + std::string("\0x", 2),
            "DELETE /d HTTP/1.1\r\n" + own + "\r\n", "HEAD /e HTTP/1.1\r\n" + own + "\r\n"});
  CHECK(server.connections() == 2);  // one for each POST; the other requests reuse the second one
}

TEST_CASE("a target is joined to the base URL's path") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture with_path(server.url() + "/api/v2/");
  ClientFixture without(server.url());
  auto client = with_path.client();
  for (const char* target : {"/dags?a=%20b", "", "?x=1", "/a/../b"}) {
    client.send(request(target), soon());
  }
  auto other = without.client();
  for (const char* target : {"/", "", "?x=1"}) other.send(request(target), soon());
  CHECK(first_lines(server) ==
        std::vector<std::string>{"GET /api/v2/dags?a=%20b HTTP/1.1", "GET /api/v2 HTTP/1.1",
                                 "GET /api/v2?x=1 HTTP/1.1", "GET /api/v2/a/../b HTTP/1.1",
                                 "GET / HTTP/1.1", "GET / HTTP/1.1", "GET /?x=1 HTTP/1.1"});
}

TEST_CASE("what would change the shape of a request is refused before anything is sent") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const std::string origin = server.url();
  for (const char* target : {"dags", "@evil.example/", "/a b", "/a\r\nX: y", "/\xC3\xA4", "/a#b"}) {
    CAPTURE(target);
    CHECK(result_of(client, request(target)) ==
          "config: GET " + origin +
              "/...: the target does not begin with / or contains a character that must be "
              "percent-encoded");
  }
  CHECK(result_of(client, request("/a", "GET /b HTTP/1.1\r\nX:")) ==
        "config: request " + origin + "/a: the method is not a word");
  for (const auto& value : {std::string("tok\r\nX: y"), std::string("tok\n"), std::string("\rtok"),
                            std::string("t\0k", 3)}) {
    auto each = request("/a?key=1");
    each.headers = {{"Authorization", value}};
    CHECK(result_of(client, each) ==
          "config: GET " + origin + "/a: header Authorization: line break or control character");
  }
  auto bad_name = request("/a");
  bad_name.headers = {{"X: y\r\nZ", "v"}};
  CHECK(result_of(client, bad_name) ==
        "config: GET " + origin + "/a: the name of a header is not a word");
  CHECK(server.connections() == 0);
  CHECK(fixture.requests().empty());
}

TEST_CASE("options that cannot work are refused, and never quoted") {
  const std::string schemes = "expected a URL that begins with http:// or https://";
  const std::string invalid =
      "not a valid URL: expected a host and an optional port from 1 to 65535 after the scheme";
  const std::vector<std::pair<std::string, std::string>> urls = {
      {"", schemes},
      {"host/path", schemes},
      {"ftp://host", schemes},
      {"file:///etc/passwd", schemes},
      {"http://", invalid},
      {"http://a b", invalid},
      {"http://user:hunter2@host", "must not contain a user or a password"},
      {"https://user@host/", "must not contain a user or a password"},
      {"https://host/?token=hunter2", "must not contain a query or a fragment"},
      {"https://host/#a", "must not contain a query or a fragment"}};
  for (const auto& [url, why] : urls) {
    CAPTURE(url);
    CHECK(construction_error(ClientFixture(url)) == "config: base_url: " + why);
  }
  ClientFixture fixture("https://host");
  fixture.options.proxy.url = "socks5://proxy:1";
  CHECK(construction_error(fixture) == "config: proxy: expected a URL that begins with http://");
  fixture.options.proxy.url = "http://me:hunter2@proxy:1";
  CHECK(construction_error(fixture) == "config: proxy: must not contain a user or a password");
  fixture.options.proxy.url = "http://proxy:1";
  fixture.options.unix_socket = "/s";
  CHECK(construction_error(fixture) == "config: proxy: cannot be used with a Unix socket");
  fixture.options.proxy.url = "";
  fixture.options.client_key_file = "/key";
  CHECK(construction_error(fixture) == "config: client_key_file: needs a client_certificate_file");
}

TEST_CASE("get() parses the JSON reply, and says by the reason why there is none") {
  const ScriptedServer server(answer([](const std::string& each) {
    const auto status = std::stoi(each.substr(each.find('/') + 1, 3));
    return reply(status, each.starts_with("GET /200/cut") ? "{\"a\": " : "{\"a\": 1}");
  }));
  ClientFixture fixture(server.url());
  fixture.options.retry.attempts = 1;
  auto client = fixture.client();
  const auto result = [&](const std::string& target) {
    try {
      return std::to_string(client.get(target, soon()).at("a").integer());
    } catch (const Error& error) {
      return std::string(to_string(error.reason())) + ": " + error.what();
    }
  };
  CHECK(result("/200?token=1") == "1");
  const std::string what = ": GET " + server.url();
  CHECK(result("/401?token=1") == "auth" + what + "/401: status 401");
  CHECK(result("/403") == "auth" + what + "/403: status 403");
  CHECK(result("/429") == "rate_limited" + what + "/429: status 429");
  CHECK(result("/404") == "http_status" + what + "/404: status 404");
  CHECK(result("/503") == "http_status" + what + "/503: status 503");
  CHECK(result("/204") == "http_status" + what + "/204: status 204");
  CHECK_THAT(result("/200/cut"), Catch::StartsWith("decode" + what + "/200/cut: "));
  CHECK(server.requests().front().find("\r\nAccept: application/json\r\n") != std::string::npos);
}

TEST_CASE("credentials are added before each try, and see the whole target") {
  std::atomic<int> replies = 0;
  const ScriptedServer server(
      answer([&](const std::string&) { return reply(replies++ == 0 ? 503 : 200, ""); }));
  ClientFixture fixture(server.url() + "/api");
  int version = 0;
  auto client = fixture.client(adding([&](ClientRequest& each) {
    each.headers.emplace_back("Authorization", "key " + std::to_string(++version) + each.target);
  }));
  CHECK(client.send(request("/x?y"), soon()).status == 200);
  std::vector<std::string> keys;
  for (const auto& each : server.requests()) {
    const auto at = each.find("Authorization: ");
    keys.push_back(each.substr(at, each.find("\r\n", at) - at));
  }
  CHECK(keys ==
        std::vector<std::string>{"Authorization: key 1/api/x?y", "Authorization: key 2/api/x?y"});
}

TEST_CASE("a failure to find credentials passes through, and nothing is sent") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture fixture(server.url());
  auto client =
      fixture.client(adding([](ClientRequest&) { throw Error(Reason::config, "no such file"); }));
  CHECK(result_of(client, request("/")) == "config: no such file");
  CHECK(server.connections() == 0);
}

TEST_CASE("requests one after the other share a connection") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, "x"); }));
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  for (int i = 0; i < 20; ++i) CHECK(client.send(request("/"), soon()).body == "x");
  CHECK(server.connections() == 1);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 20}});
  CHECK(fixture.observations() ==
        std::map<std::string, std::uint64_t>{
            {"connect", 1}, {"first_byte", 20}, {"name_lookup", 1}, {"total", 20}});
}

TEST_CASE("a request's phases are observed in seconds, each for itself") {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    std::this_thread::sleep_for(60ms);
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx");
    std::this_thread::sleep_for(120ms);
    peer.write("y");
  });
  ClientFixture fixture(server.url());
  auto client = fixture.client();
  const auto begin = Clock::now();
  CHECK(client.send(request("/"), soon()).body == "xy");
  const double took = std::chrono::duration<double>(Clock::now() - begin).count();
  auto durations = fixture.durations();
  CHECK(durations["first_byte"] >= 0.06);
  CHECK(durations["total"] >= 0.18);
  CHECK(durations["total"] <= took);
  CHECK(durations["name_lookup"] + durations["connect"] + durations["first_byte"] <=
        durations["total"]);
}

TEST_CASE("threads share a client, each gets its own reply, connections are bounded") {
  const ScriptedServer server(
      answer([](const std::string& each) { return reply(200, first_line(each)); }));
  ClientFixture fixture(server.url());
  fixture.options.budget.at_once = 3;
  auto client = fixture.client();
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 25; ++i) {
          const std::string target = "/" + std::to_string(thread) + "/" + std::to_string(i);
          right += client.send(request(target), soon()).body == "GET " + target + " HTTP/1.1";
        }
      });
    }
  }
  CHECK(right == 200);
  CHECK(server.connections() <= 3);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 200}});
}

TEST_CASE("a moved client works on") {
  const ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture fixture(server.url());
  auto first = fixture.client();
  first.send(request("/"), soon());
  auto second = std::move(first);
  second.send(request("/"), soon());
  CHECK(server.connections() == 1);
}

TEST_CASE("a gzip body is decompressed") {
  const std::string compressed = gzip_of("{\"a\":1}");
  const ScriptedServer server(answer(
      [&](const std::string&) { return reply(200, compressed, "Content-Encoding: gzip\r\n"); }));
  ClientFixture fixture(server.url());
  CHECK(fixture.client().get("/", soon()).at("a").integer() == 1);
}

TEST_CASE("a Unix socket stands in for the host") {
  const TemporaryDirectory directory;
  const auto path = directory.path() / "docker.sock";
  ClientFixture fixture("http://docker/v1");
  fixture.options.unix_socket = path;
  fixture.options.retry.attempts = 2;
  auto client = fixture.client();
  CHECK(result_of(client, request("/info")) == "connect: GET http://docker/v1/info: Unix socket " +
                                                   path.string() + ": no such file or directory");
  const ScriptedServer server(path, answer([](const std::string&) { return reply(200, "ok"); }));
  CHECK(client.send(request("/info"), soon()).body == "ok");
  CHECK(server.requests() ==
        std::vector<std::string>{"GET /v1/info HTTP/1.1\r\nHost: docker\r\n" + user_agent() +
                                 "Accept: */*\r\nAccept-Encoding: gzip\r\n\r\n"});
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 1}, {"error", 2}});
}

TEST_CASE("a proxy is asked for the upstream; the environment's is not") {
  const ScriptedServer proxy(answer([](const std::string& each) {
    return each.starts_with("CONNECT") ? "HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
                                       : reply(200, "by proxy");
  }));
  const ScriptedServer direct(answer([](const std::string&) { return reply(200, "direct"); }));
  const std::string unreachable = "http://127.0.0.1:" + std::to_string(closed_port());
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy"}) {
    ::setenv(name, unreachable.c_str(), 1);
  }
  ClientFixture without(direct.url());
  CHECK(without.client().send(request("/"), soon()).body == "direct");
  ::setenv("no_proxy", "*", 1);

  ClientFixture fixture("http://upstream.test");
  fixture.options.proxy.url = proxy.url();
  CHECK(fixture.client().send(request("/a?b"), soon()).body == "by proxy");
  CHECK(first_line(proxy.requests().at(0)) == "GET http://upstream.test/a?b HTTP/1.1");

  fixture.options.base_url = "https://upstream.test";
  auto tunnelled = fixture.client(
      adding([](ClientRequest& each) { each.headers.emplace_back("Authorization", "hunter2"); }));
  CHECK(result_of(tunnelled, request("/a?b")) ==
        "auth: GET https://upstream.test/a: proxy: status 407 to CONNECT");
  CHECK(first_line(proxy.requests().at(1)) == "CONNECT upstream.test:443 HTTP/1.1");
  CHECK(proxy.requests().at(1).find("hunter2") == std::string::npos);
  for (const char* name : {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}) ::unsetenv(name);

  fixture.options.proxy.url = unreachable;
  auto refused = fixture.client();
  CHECK(result_of(refused, request("/a")) ==
        "connect: GET https://upstream.test/a: proxy: connection refused");
}

TEST_CASE("this library's client and server understand each other") {
  std::atomic<int> handled = 0;
  ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  Server server(options, [&](const Request& each) {
    ++handled;
    const std::string limit = each.query("limit").at(0);
    Response response;
    response.content_type = "application/json";
    response.body = Body("{\"path\": \"" + std::string(each.path) + "\", \"limit\": " + limit +
                         ", \"key\": \"" + each.header("authorization") + "\"}");
    return response;
  });
  ClientFixture fixture("http://127.0.0.1:" + std::to_string(server.port()) + "/api");
  auto client = fixture.client(adding(
      [](ClientRequest& each) { each.headers.emplace_back("Authorization", "Bearer key"); }));
  std::atomic<int> right = 0;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&] {
        for (int i = 0; i < 10; ++i) {
          const Json json = client.get("/dags%2Fa?limit=" + std::to_string(i), soon());
          right += json.at("path").string() == "/api/dags/a" && json.at("limit").integer() == i &&
                   json.at("key").string() == "Bearer key";
        }
      });
    }
  }
  CHECK(right == 40);
  CHECK(handled == 40);
  CHECK(fixture.requests() == std::map<std::string, double>{{"200", 40}});
  CHECK(fixture.observations().at("connect") <= 4);
}
