#include <catch2/catch.hpp>
#include <fstream>

#include "common/http/client.h"
#include "tests/common/client_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

/// Certificates of a server and of clients, made once.
class Directory {
 public:
  Directory() {
    make_authority(path(), "ca");
    make_authority(path(), "other_ca");
    make_certificate(path(), "server", "IP:127.0.0.1", "ca");
    make_certificate(path(), "elsewhere", "DNS:elsewhere.test", "ca");
    make_certificate(path(), "client", "DNS:client", "ca");
    make_certificate(path(), "stranger", "DNS:client", "other_ca");
    std::ofstream(path() / "both.pem") << std::ifstream(path() / "client.pem").rdbuf()
                                       << std::ifstream(path() / "client.key").rdbuf();
    std::ofstream(path() / "empty.pem") << "not a certificate\n";
  }
  const std::filesystem::path& path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
};

std::filesystem::path file(const std::string& name) {
  static const Directory directory;
  return directory.path() / name;
}

ScriptedServer::Tls tls(const std::string& name = "server") {
  return {file(name + ".pem"), file(name + ".key"), {}, "NORMAL"};
}

Script hello() {
  return answer([](const std::string&) { return reply(200, "hello"); });
}

}  // namespace

TEST_CASE("a server whose authority is trusted is spoken to, over a kept connection") {
  const ScriptedServer server(hello(), tls());
  ClientFixture fixture(server.url());
  fixture.options.ca_file = file("ca.pem");
  auto client = fixture.client();
  CHECK(client.send(request("/"), soon()).body == "hello");
  CHECK(client.send(request("/"), soon()).body == "hello");
  CHECK(server.connections() == 1);
  CHECK(fixture.observations() ==
        std::map<std::string, std::uint64_t>{
            {"connect", 1}, {"first_byte", 2}, {"name_lookup", 1}, {"tls", 1}, {"total", 2}});
}

TEST_CASE("a server that cannot be verified is not spoken to, and not asked again") {
  struct Case {
    const char* certificate;
    const char* authority;
    const char* why;
  };
  for (const auto& each :
       {Case{"server", "other_ca.pem",
             "TLS: SSL certificate problem: unable to get local issuer certificate"},
        Case{"server", "", "TLS: SSL certificate problem: unable to get local issuer certificate"},
        Case{"elsewhere", "ca.pem",
             "TLS: SSL: no alternative certificate subject name matches target "
             "host name '127.0.0.1'"}}) {
    const ScriptedServer server(hello(), tls(each.certificate));
    ClientFixture fixture(server.url());
    if (*each.authority != '\0') fixture.options.ca_file = file(each.authority);
    auto client = fixture.client(
        adding([](ClientRequest& sent) { sent.headers.emplace_back("Authorization", "hunter2"); }));
    CHECK(result_of(client, request("/a?b")) == "connect: GET " + server.url() + "/a: " + each.why);
    CHECK(server.connections() == 1);
    CHECK(server.requests().empty());
    CHECK(fixture.requests() == std::map<std::string, double>{{"error", 1}});
  }
}

TEST_CASE("a client certificate is shown to a server that asks for one") {
  auto with_client_ca = tls();
  with_client_ca.client_ca = file("ca.pem");
  const ScriptedServer server(hello(), with_client_ca);
  const auto result = [&](const std::string& certificate, const std::string& key) {
    ClientFixture fixture(server.url());
    fixture.options.ca_file = file("ca.pem");
    if (!certificate.empty()) fixture.options.client_certificate_file = file(certificate);
    if (!key.empty()) fixture.options.client_key_file = file(key);
    auto client = fixture.client();
    return result_of(client, request("/"));
  };
  CHECK(result("client.pem", "client.key") == "status 200");
  CHECK(result("both.pem", "") == "status 200");
  const std::string refused = "connect: GET " + server.url() + "/: TLS: ";
  CHECK_THAT(result("", ""), Catch::StartsWith(refused));
  CHECK_THAT(result("stranger.pem", "stranger.key"), Catch::StartsWith(refused));
}

TEST_CASE("certificate files that cannot be used are a fault of the configuration") {
  const ScriptedServer server(hello(), tls());
  ClientFixture fixture(server.url());
  const auto result = [&] {
    auto client = fixture.client();
    return result_of(client, request("/"));
  };
  const std::string what = "config: GET " + server.url() + "/: ";
  for (const char* name : {"missing.pem", "empty.pem"}) {
    fixture.options.ca_file = file(name);
    CHECK(result() == what + "CA file " + file(name).string() + ": cannot be used");
  }
  fixture.options.ca_file = file("ca.pem");
  for (const auto& [certificate, key] :
       {std::pair{"missing.pem", "client.key"}, std::pair{"empty.pem", "client.key"},
        std::pair{"client.pem", "server.key"}}) {
    fixture.options.client_certificate_file = file(certificate);
    fixture.options.client_key_file = file(key);
    CHECK(result() == what + "client certificate " + file(certificate).string() +
                          ": it or its key cannot be used");
  }
  CHECK(fixture.requests() == std::map<std::string, double>{{"error", 5}});
}

TEST_CASE("TLS below 1.2 is not spoken") {
  auto old = tls();
  old.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT";
  const ScriptedServer server(hello(), old);
  ClientFixture fixture(server.url());
  fixture.options.ca_file = file("ca.pem");
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/")),
             Catch::StartsWith("connect: GET " + server.url() + "/: TLS: "));
  CHECK(server.requests().empty());

  auto current = tls();
  current.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2";
  const ScriptedServer twelve(hello(), current);
  fixture.options.base_url = twelve.url();
  CHECK(fixture.client().send(request("/"), soon()).status == 200);
}

TEST_CASE("the deadline bounds a handshake that does not go on") {
  const ScriptedServer server([](Peer& peer) { peer.wait_closed(); });
  ClientFixture fixture("https://127.0.0.1:" + std::to_string(server.port()));
  fixture.options.retry.connect_timeout = 10min;
  auto client = fixture.client();
  const auto start = Clock::now();
  CHECK(result_of(client, request("/"), Deadline::in(100ms)) ==
        "timeout: GET " + fixture.options.base_url + "/: timed out in the handshake");
  CHECK(Clock::now() - start < 1min);
}

TEST_CASE("a handshake that breaks off is tried again for any method, as nothing was sent") {
  const ScriptedServer server([](Peer& peer) { peer.write("no TLS here\r\n"); });
  ClientFixture fixture("https://127.0.0.1:" + std::to_string(server.port()));
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/", "POST")),
             Catch::StartsWith("connect: POST " + fixture.options.base_url + "/: TLS: "));
  CHECK(server.connections() == 3);
}

TEST_CASE("a new authority file is seen without a restart") {
  const ScriptedServer server(
      [](Peer& peer) {
        peer.read_request();
        peer.write(reply(200, "", "Connection: close\r\n"));
      },
      tls());
  const TemporaryDirectory directory;
  const auto path = directory.path() / "ca.pem";
  std::filesystem::copy_file(file("other_ca.pem"), path);
  ClientFixture fixture(server.url());
  fixture.options.ca_file = path;
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/")), Catch::StartsWith("connect: "));
  std::filesystem::copy_file(file("ca.pem"), path,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(result_of(client, request("/")) == "status 200");
}

TEST_CASE("a peer that goes while a large body is being sent over TLS is a fault, not a signal") {
  const ScriptedServer server([](Peer& peer) { peer.reset(); }, tls());
  ClientFixture fixture(server.url());
  fixture.options.ca_file = file("ca.pem");
  auto client = fixture.client();
  CHECK_THAT(result_of(client, request("/", "POST", std::string(20'000'000, 'x'))),
             Catch::StartsWith("connect: POST " + server.url() + "/: "));
}
