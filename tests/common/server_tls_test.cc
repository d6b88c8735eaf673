#include <curl/curl.h>

#include <catch2/catch.hpp>
#include <future>

#include "common/http/server.h"
#include "tests/common/raw_client.h"
#include "tests/common/site.h"
#include "tests/common/tls_client.h"
#include "tests/support/certificates.h"

using namespace exporter;
using namespace exporter::testing;
using namespace std::chrono_literals;
using http::Request;
using http::Response;
using http::Server;

namespace {

std::string server_name(const Server& server) {
  return say_over_tls(server.port(), get_request("/metrics")).server_name;
}

}  // namespace

TEST_CASE("TLS 1.2 and 1.3 are served, 1.1 and plain HTTP are not") {
  const Site site(kTls);
  const Server server(site.options(), page);
  CHECK(server.tls());
  const auto version = [&](const std::string& name) {
    return say_over_tls(server.port(), get_request("/"),
                        {.priorities = "NORMAL:-VERS-ALL:+VERS-TLS" + name})
        .version;
  };
  CHECK(version("1.3") == "TLS1.3");
  CHECK(version("1.2") == "TLS1.2");
  CHECK(version("1.1") == "");
  CHECK(version("1.0") == "");
  CHECK(status_of(get(server, "/")) != "200");
  const auto reply = say_over_tls(server.port(), get_request("/x"));
  CHECK(without_date(reply.response) ==
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 6\r\n\r\nuser \n");
}

TEST_CASE("versions, cipher suites and curves can be narrowed") {
  const Site site(kTls +
                  "  max_version: TLS12\n  curve_preferences: [CurveP384]\n"
                  "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,\n"
                  "                  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA]\n");
  const Server server(site.options(), page);
  const auto reply = say_over_tls(server.port(), get_request("/"));
  CHECK(reply.version == "TLS1.2");
  CHECK(reply.cipher == "CHACHA20-POLY1305");
  CHECK(reply.group == "SECP384R1");
  const auto with = [&](const std::string& more) {
    return tls_status(server, {.priorities = "NORMAL" + more});
  };
  CHECK(with(":-CIPHER-ALL:+AES-256-CBC") == "200");
  CHECK(with(":-CIPHER-ALL:+AES-128-GCM") == "refused");
  CHECK(with(":-GROUP-ALL:+GROUP-X25519") == "refused");
  CHECK(with(":-VERS-ALL:+VERS-TLS1.3") == "refused");
}

TEST_CASE("the server prefers its own order of cipher suites unless told otherwise") {
  const std::string suites =
      "  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,\n"
      "                  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n";
  const TlsOptions likes_aes{.priorities = "NORMAL:-CIPHER-ALL:+AES-256-GCM:+CHACHA20-POLY1305"};
  const auto cipher = [&](const std::string& more) {
    const Site site(kTls + suites + more);
    const Server server(site.options(), page);
    return say_over_tls(server.port(), get_request("/"), likes_aes).cipher;
  };
  CHECK(cipher("") == "CHACHA20-POLY1305");
  CHECK(cipher("  prefer_server_cipher_suites: false\n") == "AES-256-GCM");
}

TEST_CASE("a large page arrives whole over TLS, also in one of many pieces") {
  const Site site(kTls);
  std::string expected;
  Body body;
  for (int i = 0; i < 300; ++i) {
    auto piece = std::make_shared<const std::string>(5000, static_cast<char>('a' + i % 26));
    expected += *piece;
    body.add(std::move(piece));
  }
  const Server server(site.options(), [&](const Request& request) {
    Response response;
    response.body = request.path == "/one" ? Body(expected) : body;
    return response;
  });
  for (const auto* path : {"/one", "/many"}) {
    CHECK(body_of(say_over_tls(server.port(), get_request(path)).response) == expected);
  }
}

TEST_CASE("pipelined requests are answered over TLS") {
  const Site site(kTls);
  const Server server(site.options(), page);
  const std::string head = "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n";
  const auto response = say_over_tls(server.port(), head + head + head + get_request("/")).response;
  std::size_t answers = 0;
  for (auto at = response.find("200 OK"); at != std::string::npos;
       at = response.find("200 OK", at + 1)) {
    ++answers;
  }
  CHECK(answers == 4);
}

TEST_CASE("each client_auth_type asks what Go's does") {
  struct Mode {
    std::string name, without, trusted, untrusted;
  };
  const auto mode = GENERATE(Mode{"NoClientCert", "200", "200", "200"},
                             Mode{"RequestClientCert", "200", "200", "200"},
                             Mode{"RequireAnyClientCert", "refused", "200", "200"},
                             Mode{"VerifyClientCertIfGiven", "200", "200", "refused"},
                             Mode{"RequireAndVerifyClientCert", "refused", "200", "refused"});
  const bool verifies = mode.name.find("Verify") != std::string::npos;
  const Site site(kTls + "  client_auth_type: " + mode.name + "\n" +
                  (verifies ? "  client_ca_file: ca.pem\n" : ""));
  make_certificate(site.path(), "friend", "DNS:friend", "ca");
  make_authority(site.path(), "stranger-ca");
  make_certificate(site.path(), "stranger", "DNS:friend", "stranger-ca");
  const Server server(site.options(), page);
  for (const std::string version : {"1.2", "1.3"}) {
    INFO(mode.name << " TLS " << version);
    const auto outcome = [&](TlsOptions options) {
      options.priorities = "NORMAL:-VERS-ALL:+VERS-TLS" + version;
      return tls_status(server, options);
    };
    CHECK(outcome({}) == mode.without);
    CHECK(outcome(site.with_certificate("friend")) == mode.trusted);
    CHECK(outcome(site.with_certificate("stranger")) == mode.untrusted);
  }
}

TEST_CASE("a certificate that is not for clients is not trusted") {
  const Site site(kTls +
                  "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n");
  const std::string names = "DNS:x -addext extendedKeyUsage=";
  make_certificate(site.path(), "for-clients", names + "clientAuth", "ca");
  make_certificate(site.path(), "for-servers", names + "serverAuth", "ca");
  const Server server(site.options(), page);
  CHECK(tls_status(server, site.with_certificate("for-clients")) == "200");
  CHECK(tls_status(server, site.with_certificate("for-servers")) == "refused");
}

TEST_CASE("client_allowed_sans lets in exact names alone") {
  const Site site(kTls +
                  "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
                  "  client_allowed_sans: [a.test, ops@a.test, 'spiffe://a/b', 192.0.2.7,\n"
                  "                        '2001:db8::7']\n");
  const Server server(site.options(), page);
  int number = 0;
  const auto outcome = [&](const std::string& names) {
    const auto name = "client" + std::to_string(++number);
    make_certificate(site.path(), name, names, "ca");
    return tls_status(server, site.with_certificate(name));
  };
  CHECK(outcome("DNS:a.test") == "200");
  CHECK(outcome("DNS:other.test,DNS:a.test") == "200");
  CHECK(outcome("email:ops@a.test") == "200");
  CHECK(outcome("URI:spiffe://a/b") == "200");
  CHECK(outcome("IP:192.0.2.7") == "200");
  CHECK(outcome("IP:2001:db8::7") == "200");
  CHECK(outcome("DNS:b.a.test") == "refused");
  CHECK(outcome("DNS:a.test.evil") == "refused");
  CHECK(outcome("IP:192.0.2.8") == "refused");
  CHECK(outcome("URI:a.test") == "200");  // any kind of name is accepted, as in Go
  CHECK(tls_status(server) == "refused");
}

TEST_CASE("certificates rotate without a restart, and a faulty pair keeps the old one") {
  const Site site(kTls);
  make_certificate(site.path(), "next", "DNS:localhost", "ca");
  make_certificate(site.path(), "third", "DNS:localhost", "ca");
  const CaughtLog log(site.file("log"));
  const Server server(site.options(), page);
  CHECK(server_name(server) == "server");

  std::filesystem::rename(site.file("next.key"), site.file("server.key"));
  const std::string fault = "the certificate and the given key do not match.";
  CHECK(eventually([&] {
    return server_name(server) == "server" && !log.lines("web configuration not reloaded").empty();
  }));
  std::filesystem::rename(site.file("next.pem"), site.file("server.pem"));
  CHECK(eventually([&] { return server_name(server) == "next"; }));
  CHECK(log.lines("web configuration not reloaded").size() == 1);
  CHECK(log.lines("msg=\"web configuration reloaded\"").size() == 1);

  std::filesystem::rename(site.file("third.pem"), site.file("server.pem"));
  std::filesystem::rename(site.file("third.key"), site.file("server.key"));
  CHECK(eventually([&] { return server_name(server) == "third"; }));
}

TEST_CASE("a new client CA counts for new connections") {
  const Site site(
      kTls + "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: trusted.pem\n");
  make_authority(site.path(), "next-ca");
  make_certificate(site.path(), "old", "DNS:x", "ca");
  make_certificate(site.path(), "new", "DNS:x", "next-ca");
  std::filesystem::copy(site.file("ca.pem"), site.file("trusted.pem"));
  const Server server(site.options(), page);
  CHECK(tls_status(server, site.with_certificate("old")) == "200");
  CHECK(tls_status(server, site.with_certificate("new")) == "refused");
  std::filesystem::rename(site.file("next-ca.pem"), site.file("trusted.pem"));
  CHECK(eventually([&] { return tls_status(server, site.with_certificate("new")) == "200"; }));
  CHECK(tls_status(server, site.with_certificate("old")) == "refused");
}

TEST_CASE("client certificates are asked for on open paths, too") {
  const Site site(kTls +
                  "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
                  "basic_auth_users:\n  alice: " +
                  kWonderland + "\n");
  make_certificate(site.path(), "friend", "DNS:friend", "ca");
  const Server server(site.options(), page);
  const auto healthy = [&](const TlsOptions& options) {
    return status_of(say_over_tls(server.port(), get_request("/-/healthy"), options).response);
  };
  CHECK(healthy({}) == "");
  CHECK(healthy(site.with_certificate("friend")) == "200");
  CHECK(tls_status(server, site.with_certificate("friend")) == "401");
}

TEST_CASE("stop ends idle TLS connections and lets running requests finish") {
  const Site site(kTls);
  std::promise<void> started, finish;
  Server server(site.options(), [&](const Request&) {
    started.set_value();
    finish.get_future().wait();
    return page({});
  });
  RawClient silent(server.port());
  auto reply = std::async(std::launch::async,
                          [&] { return say_over_tls(server.port(), get_request("/")).response; });
  started.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { server.stop(20s); });
  CHECK(silent.ended_within(10s));
  finish.set_value();
  CHECK(status_of(reply.get()) == "200");
  CHECK(stopped.wait_for(10s) == std::future_status::ready);
}

namespace {

std::size_t append(const char* bytes, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(bytes, size * count);
  return size * count;
}

}  // namespace

TEST_CASE("curl reads a page with a client certificate and a password") {
  const Site site(kTls +
                  "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
                  "basic_auth_users:\n  alice: " +
                  kWonderland + "\n");
  make_certificate(site.path(), "friend", "DNS:friend", "ca");
  const Server server(site.options(), page);
  const std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)> curl(::curl_easy_init(),
                                                                   &::curl_easy_cleanup);
  std::string body;
  const auto url = "https://localhost:" + std::to_string(server.port()) + "/metrics";
  ::curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_CAINFO, site.file("ca.pem").c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_SSLCERT, site.file("friend.pem").c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_SSLKEY, site.file("friend.key").c_str());
  ::curl_easy_setopt(curl.get(), CURLOPT_USERPWD, "alice:wonderland");
  ::curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  ::curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, 20L);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, &append);
  ::curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  for (int request = 0; request < 2; ++request) {
    body.clear();
    CHECK(::curl_easy_perform(curl.get()) == CURLE_OK);
    CHECK(body == "user alice\n");
  }
  long connects = 0;
  ::curl_easy_getinfo(curl.get(), CURLINFO_NUM_CONNECTS, &connects);
  CHECK(connects == 0);  // the second request used the first one's connection
}
