#include "common/http/web_config.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <fstream>
#include <future>
#include <latch>

#include "common/base/error.h"
#include "common/base/time.h"
#include "common/http/rate_limit.h"
#include "common/http/users.h"
#include "tests/support/certificates.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace std::chrono_literals;
using http::ClientAuth;
using http::WebConfig;

namespace {

// Made by crypt(3): cost 4, of "wonderland".
constexpr const char* kAlice = "$2y$04$abcdefghijklmnopqrstuujZkTwHUiJ9XdZPwKfcfDo7dMp5DjlTu";
// Cost 10, of "builder".
constexpr const char* kBob = "$2y$10$ABCDEFGHIJKLMNOPQRSTUu8kfLPn5QBLBObp.I92j1QXYZAkf7PVG";

/// A directory with an authority, a server's certificate and another one's.
struct Directory {
  Directory() {
    make_authority(path(), "ca");
    make_certificate(path(), "server", "DNS:localhost", "ca");
    make_certificate(path(), "other", "DNS:localhost", "ca");
  }
  const std::filesystem::path& path() const { return directory.path(); }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path() / name, std::ios::binary) << text;
    return (path() / name).string();
  }
  std::string read(const std::string& name) const {
    std::ifstream in(path() / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  TemporaryDirectory directory;
};

const Directory& directory() {
  static const Directory one;
  return one;
}

WebConfig load(const std::string& yaml) {
  return WebConfig::load(directory().write("web.yml", yaml));
}

/// The error without the directory's name, which changes.
std::string error_of(const std::string& yaml) {
  try {
    load(yaml);
  } catch (const Error& error) {
    CHECK(error.reason() == Reason::config);
    std::string text = error.what();
    const auto name = directory().path().string() + "/";
    for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
      text.erase(at, name.size());
    }
    return text;
  }
  return "no error";
}

const std::string kTls = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n";

std::string indented(const std::string& pem) {
  std::string text = "|\n    ";
  for (const char c : pem) {
    text += c;
    if (c == '\n') text += "    ";
  }
  return text + "\n";
}

}  // namespace

TEST_CASE("a web configuration without a section configures nothing") {
  const auto config = load("{}");
  CHECK_FALSE(config.tls);
  CHECK(config.users.empty());
  CHECK(config.headers.empty());
  CHECK_FALSE(config.rate_limit);
  CHECK_FALSE(load("tls_server_config: {}\n").tls);
  CHECK_FALSE(load("# nothing yet\n").tls);
}

TEST_CASE("certificate, key and client CA come from files beside the configuration") {
  const auto config = load(kTls +
                           "  client_ca_file: ca.pem\n"
                           "  client_auth_type: RequireAndVerifyClientCert\n");
  REQUIRE(config.tls);
  CHECK(config.tls->certificate_pem == directory().read("server.pem"));
  CHECK(std::string(config.tls->key_pem.reveal()) + "\n" == directory().read("server.key"));
  CHECK(config.tls->client_ca_pem == directory().read("ca.pem"));
  CHECK(config.tls->client_auth == ClientAuth::require_and_verify);
  const auto in_directory = [](const char* name) { return (directory().path() / name).string(); };
  CHECK(config.files == std::vector{in_directory("web.yml"), in_directory("server.pem"),
                                    in_directory("server.key"), in_directory("ca.pem")});
}

TEST_CASE("certificate, key and client CA may stand in the configuration") {
  const auto config =
      load("tls_server_config:\n  cert: " + indented(directory().read("server.pem")) +
           "  key: " + indented(directory().read("server.key")) + "  client_ca: " +
           indented(directory().read("ca.pem")) + "  client_auth_type: VerifyClientCertIfGiven\n");
  REQUIRE(config.tls);
  CHECK(config.tls->certificate_pem == directory().read("server.pem"));
  CHECK(config.tls->client_auth == ClientAuth::verify_if_given);
  CHECK(config.files.size() == 1);
}

TEST_CASE("client_auth_type takes Go's names") {
  const auto type = [](const std::string& name) {
    return load(kTls + "  client_auth_type: " + name + "\n").tls->client_auth;
  };
  CHECK(type("NoClientCert") == ClientAuth::none);
  CHECK(type("RequestClientCert") == ClientAuth::request);
  CHECK(type("RequireAnyClientCert") == ClientAuth::require_any);
  CHECK(type("RequireClientCert") == ClientAuth::require_any);
  CHECK(load(kTls).tls->client_auth == ClientAuth::none);
}

TEST_CASE("versions, suites and curves become GnuTLS priorities") {
  CHECK(load(kTls).tls->priorities ==
        "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
        ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD"
        ":-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+GROUP-SECP521R1"
        ":%SERVER_PRECEDENCE");
  CHECK(load(kTls + "  min_version: TLS12\n  max_version: TLS12\n"
                    "  prefer_server_cipher_suites: false\n"
                    "  cipher_suites:\n"
                    "    - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n"
                    "    - TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA\n"
                    "    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n"
                    "  curve_preferences: [CurveP384, X25519]\n")
            .tls->priorities ==
        "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-CBC"
        ":+AES-128-GCM:-MAC-ALL:+AEAD:+SHA1:-GROUP-ALL:+GROUP-SECP384R1:+GROUP-X25519");
  CHECK(load(kTls + "  min_version: TLS13\n").tls->priorities.find("TLS1.2") == std::string::npos);
}

TEST_CASE("headers, users and the rate limit are read") {
  const auto config = load(
      "http_server_config:\n  http2: true\n  headers:\n"
      "    X-Frame-Options: deny\n    X-Content-Type-Options: nosniff\n"
      "    X-XSS-Protection: ''\n    Strict-Transport-Security: max-age=1\n"
      "basic_auth_users:\n  alice: " +
      std::string(kAlice) + "\nrate_limit:\n  interval: 1500ms\n  burst: 20\n");
  CHECK(config.wants_http2);
  CHECK(config.headers == std::vector<std::pair<std::string, std::string>>{
                              {"X-Frame-Options", "deny"},
                              {"X-Content-Type-Options", "nosniff"},
                              {"Strict-Transport-Security", "max-age=1"}});
  CHECK(config.users == http::Users{{"alice", kAlice}});
  REQUIRE(config.rate_limit);
  CHECK(config.rate_limit->interval == 1500ms);
  CHECK(config.rate_limit->burst == 20);
  CHECK_FALSE(load("rate_limit:\n  interval: 0\n  burst: 20\n").rate_limit);
}

TEST_CASE("mistakes in a web configuration are refused with their place") {
  const auto tls = [](const std::string& more) { return error_of(kTls + more); };
  CHECK(error_of("tls_server_confg: {}\n") ==
        "web.yml:1:1: tls_server_confg: unknown key, did you mean \"tls_server_config\"?");
  CHECK(tls("  key_password: x\n") == "web.yml:4:3: tls_server_config.key_password: unknown key");
  CHECK(error_of("tls_server_config:\n  cert_file: server.pem\n") ==
        "web.yml:2:3: tls_server_config.key: missing: give it, key_file or key_env");
  CHECK(error_of("tls_server_config:\n  key_file: server.key\n") ==
        "web.yml:2:3: tls_server_config: cert or cert_file is missing");
  CHECK(error_of("tls_server_config:\n  cert_file: none.pem\n  key_file: server.key\n") ==
        "web.yml:2:14: tls_server_config.cert_file: none.pem: No such file or directory");
  CHECK(error_of("tls_server_config:\n  cert_file: server.pem\n  key_file: none.key\n") ==
        "web.yml:2:3: tls_server_config: secret file none.key: No such file or directory");
  CHECK(error_of("tls_server_config:\n  cert_file: server.pem\n  key_file: other.key\n") ==
        "web.yml:2:3: tls_server_config: the certificate and key cannot be used: The certificate "
        "and the given key do not match.");
  CHECK(tls("  cert: x\n") ==
        "web.yml:2:14: tls_server_config.cert_file: only one of cert and cert_file may be given");
  CHECK(tls("  client_auth_type: Require\n") ==
        "web.yml:4:21: tls_server_config.client_auth_type: \"Require\" is none of NoClientCert "
        "RequestClientCert RequireAnyClientCert RequireClientCert VerifyClientCertIfGiven "
        "RequireAndVerifyClientCert");
  CHECK(tls("  client_auth_type: RequireAndVerifyClientCert\n") ==
        "web.yml:4:21: tls_server_config.client_auth_type: needs client_ca or client_ca_file");
  CHECK(tls("  client_ca_file: ca.pem\n") ==
        "web.yml:2:3: tls_server_config: client_ca needs a client_auth_type that asks for "
        "certificates");
  CHECK(tls("  client_auth_type: RequestClientCert\n  client_ca_file: server.key\n") ==
        "web.yml:2:3: tls_server_config: no certificate in client_ca");
  CHECK(tls("  client_auth_type: RequestClientCert\n  client_allowed_sans: [a]\n") ==
        "web.yml:5:24: tls_server_config.client_allowed_sans: needs client_auth_type "
        "RequireAnyClientCert or RequireAndVerifyClientCert");
  CHECK(tls("  client_auth_type: RequireAnyClientCert\n  client_allowed_sans: []\n") ==
        "web.yml:5:24: tls_server_config.client_allowed_sans: no names in it");
  CHECK(tls("  min_version: TLS11\n") ==
        "web.yml:4:16: tls_server_config.min_version: \"TLS11\" is none of TLS12 TLS13");
  CHECK(tls("  min_version: TLS13\n  max_version: TLS12\n") ==
        "web.yml:5:16: tls_server_config.max_version: below min_version");
  CHECK(tls("  curve_preferences: [P1]\n") ==
        "web.yml:4:23: tls_server_config.curve_preferences[0]: \"P1\" is none of X25519 CurveP256 "
        "CurveP384 CurveP521");
  CHECK(tls("  cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]\n")
            .starts_with("web.yml:4:19: tls_server_config.cipher_suites[0]: "
                         "\"TLS_RSA_WITH_RC4_128_SHA\" is none of"));
  CHECK(error_of("http_server_config:\n  headers:\n    Server: x\n") ==
        "web.yml:3:13: http_server_config.headers.Server: this header cannot be configured");
  CHECK(error_of("http_server_config:\n  headers:\n    X-Frame-Options: allow\n") ==
        "web.yml:3:22: http_server_config.headers.X-Frame-Options: expected \"deny\" or "
        "\"sameorigin\"");
  CHECK(error_of("http_server_config:\n  headers:\n    X-Content-Type-Options: sniff\n") ==
        "web.yml:3:29: http_server_config.headers.X-Content-Type-Options: expected \"nosniff\"");
  CHECK(
      error_of("http_server_config:\n  headers:\n    X-XSS-Protection: \"1\\r\\nX: y\"\n") ==
      "web.yml:3:23: http_server_config.headers.X-XSS-Protection: control characters in a header");
  CHECK(error_of("rate_limit:\n  interval: 1s\n") ==
        "web.yml:2:3: rate_limit: burst must be at least 1");
  CHECK(error_of("rate_limit:\n  interval: 1s\n  burst: 0\n") ==
        "web.yml:3:10: rate_limit.burst: burst must be at least 1");
}

TEST_CASE("a password hash that is not bcrypt is refused, and not shown") {
  const auto refused = [](const std::string& hash) {
    CHECK(error_of("basic_auth_users:\n  alice: \"" + hash + "\"\n") ==
          "web.yml:2:10: basic_auth_users.alice: not a bcrypt hash as made by `htpasswd -nBC 10 "
          "\"\"`");
  };
  const std::string good = kAlice;
  refused("hunter2");
  refused("");
  refused(good.substr(0, 59));
  refused(good + "x");
  refused("$6$" + good.substr(3));
  refused("$2x" + good.substr(3));
  refused("$2y$03" + good.substr(6));
  refused("$2y$32" + good.substr(6));
  refused("$2y$ab" + good.substr(6));
  refused(good.substr(0, 59) + "$");
  // Names that may be secrets are not quoted.
  CHECK(error_of("basic_auth_users:\n  \"a:b\": x\n") ==
        "web.yml:2:3: basic_auth_users: a user name cannot contain a colon");
  CHECK(error_of("basic_auth_users:\n  " + good + ": x\n") ==
        "web.yml:2:3: basic_auth_users: a hash instead of a user name");
}

TEST_CASE("an Authorization header is read as RFC 7617 says") {
  const auto read = [](std::string_view header) -> std::string {
    const auto credentials = http::parse_basic(header);
    if (!credentials) return "none";
    return credentials->user + "|" + std::string(credentials->password.reveal());
  };
  CHECK(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "Aladdin|open sesame");
  CHECK(read("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ") == "Aladdin|open sesame");
  CHECK(read("Basic YTpiOmM=") == "a|b:c");
  CHECK(read("Basic Og==") == "|");
  CHECK(read("Basic YWJj") == "none");
  CHECK(read("Basic YTpi!") == "none");
  CHECK(read("Basic") == "none");
  CHECK(read("Bearer YTpi") == "none");
  CHECK(read("") == "none");
}

namespace {

http::Credentials credentials(const std::string& user, const std::string& password) {
  return {user, Secret(password)};
}

using Result = http::PasswordCheck::Result;

}  // namespace

TEST_CASE("a right password is computed once, until its hash changes") {
  http::Users users{{"alice", kAlice}};
  http::PasswordCheck check;
  CHECK(check.check(users, credentials("alice", "wonderland")) == Result::right);
  CHECK(check.check(users, credentials("alice", "wonderland")) == Result::right);
  CHECK(check.computed() == 1);
  CHECK(check.check(users, credentials("alice", "Wonderland")) == Result::wrong);
  CHECK(check.check(users, credentials("alice", std::string("wonderland\0x", 12))) ==
        Result::wrong);
  CHECK(check.check(users, credentials("alice", "")) == Result::wrong);
  CHECK(check.computed() == 4);
  users["alice"] = std::string(kAlice).replace(59, 1, ".");
  CHECK(check.check(users, credentials("alice", "wonderland")) == Result::wrong);
  CHECK(check.computed() == 5);
}

TEST_CASE("a user who does not exist costs a computation, as one who does") {
  const http::Users users{{"alice", kAlice}};
  http::PasswordCheck check;
  for (int i = 0; i < 3; ++i) {
    CHECK(check.check(users, credentials("bob", "wonderland")) == Result::wrong);
  }
  CHECK(check.computed() == 3);
}

TEST_CASE("a wrong password takes as long for a user who does not exist") {
  // Cost 10: tens of milliseconds.
  const http::Users users{{"bob", kBob}};
  http::PasswordCheck check;
  const auto cpu_seconds = [&](const std::string& user) {
    const auto cpu_time = [] {
      timespec time{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    };
    const auto begin = cpu_time();
    CHECK(check.check(users, credentials(user, "wonderland")) == Result::wrong);
    return cpu_time() - begin;
  };
  // The minimum of several measurements: other work on the machine only adds to it.
  double known = 1e9, unknown = 1e9;
  const auto as_long = [&] { return unknown > known / 2 && unknown < known * 2; };
  for (int i = 0; i < 3 || (i < 30 && !as_long()); ++i) {
    known = std::min(known, cpu_seconds("bob"));
    unknown = std::min(unknown, cpu_seconds("carol"));
  }
  CAPTURE(known, unknown);
  CHECK(as_long());
}

TEST_CASE("password checks do not pile up") {
  const http::Users users{{"bob", kBob}};
  http::PasswordCheck check;
  std::latch start(48);
  std::vector<std::future<Result>> attempts;
  for (int i = 0; i < 48; ++i) {
    attempts.push_back(std::async(std::launch::async, [&, i] {
      start.arrive_and_wait();
      return check.check(users, credentials("bob", "guess" + std::to_string(i)));
    }));
  }
  std::size_t wrong = 0, busy = 0;
  for (auto& attempt : attempts) (attempt.get() == Result::busy ? busy : wrong) += 1;
  CHECK(busy > 0);
  CHECK(wrong >= 16);
  CHECK(check.computed() == wrong);
  CHECK(check.check(users, credentials("bob", "builder")) == Result::right);
}

TEST_CASE("a burst may be of any size") {
  http::RateLimiter limiter;
  const WebConfig::RateLimit limit{.interval = 1h, .burst = INT64_MAX};
  const auto now = Clock::now();
  CHECK(limiter.allow(limit, now));
  CHECK(limiter.allow(limit, now));
}

TEST_CASE("an interval may be of any length") {
  const auto now = Clock::now();
  for (const auto interval : {parse_duration("100y"), parse_duration("292y")}) {
    for (const std::size_t burst : {1, 2, 10}) {
      http::RateLimiter limiter;
      const WebConfig::RateLimit limit{.interval = interval.value(), .burst = burst};
      std::size_t allowed = 0;
      for (int i = 0; i < 20; ++i) allowed += limiter.allow(limit, now) ? 1 : 0;
      CHECK(allowed >= 1);
      CHECK(allowed <= burst);
    }
  }
}

TEST_CASE("a limit that is loosened lets requests pass as if it had been in force before") {
  http::RateLimiter limiter;
  const WebConfig::RateLimit strict{.interval = 1h, .burst = 2}, loose{.interval = 1s, .burst = 2};
  const auto start = Clock::now();
  CHECK(limiter.allow(strict, start));
  CHECK(limiter.allow(strict, start));
  CHECK_FALSE(limiter.allow(loose, start));
  CHECK(limiter.allow(loose, start + 1s));
  CHECK_FALSE(limiter.allow(loose, start + 1s));
  CHECK(limiter.allow(loose, start + 3s));
  CHECK(limiter.allow(loose, start + 3s));
  CHECK_FALSE(limiter.allow(loose, start + 3s));
}

TEST_CASE("a token bucket lets a burst pass, then one request an interval") {
  http::RateLimiter limiter;
  const WebConfig::RateLimit limit{.interval = 10s, .burst = 3};
  const auto start = Clock::now();
  const auto allowed = [&](std::chrono::seconds at) { return limiter.allow(limit, start + at); };
  CHECK(allowed(0s));
  CHECK(allowed(0s));
  CHECK(allowed(0s));
  CHECK_FALSE(allowed(0s));
  CHECK_FALSE(allowed(9s));
  CHECK(allowed(10s));
  CHECK_FALSE(allowed(19s));
  CHECK(allowed(21s));
  CHECK_FALSE(allowed(22s));
  CHECK(allowed(1000s));
  CHECK(allowed(1000s));
  CHECK(allowed(1000s));
  CHECK_FALSE(allowed(1000s));
}
