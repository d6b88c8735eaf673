#include <catch2/catch.hpp>

#include "common/base/time.h"
#include "common/http/tls.h"
#include "tests/exporters/host/probed.h"
#include "tests/support/golden.h"

using namespace exporter;
using namespace probed;

namespace {

constexpr double kDay = 86400;

/// The days until a certificate of the target expires, according to the page; 0 if it has none.
double days_left(const Run& run, const std::string& target) {
  const auto expiry = run.values.find(series("probe_ssl_earliest_cert_expiry", target));
  return expiry == run.values.end() ? 0 : (expiry->second - unix_now()) / kDay;
}

}  // namespace

TEST_CASE("a certificate that is good is verified, and its expiry shown") {
  const ScriptedServer server(hello(), tls("server"));
  const auto good = run({server.url()});
  CHECK(told(good, server.url()) == "ok connect first_byte name_lookup tls 200");
  CHECK(days_left(good, server.url()) == Approx(1).margin(0.1));
}

TEST_CASE("of several certificates the first to expire counts") {
  const auto good = read_file(file("server.pem")), old = read_file(file("expired.pem"));
  CHECK(http::earliest_expiry(good).value() == Approx(unix_now() + kDay).margin(kDay / 10));
  for (const auto& both : {good + old, old + good}) {
    CHECK(http::earliest_expiry(both).value() == Approx(unix_now() - kDay).margin(kDay / 10));
  }
  CHECK_FALSE(http::earliest_expiry(""));
  CHECK_FALSE(http::earliest_expiry(read_file(file("empty.pem"))));
}

TEST_CASE("a certificate that is not valid fails the probe, and its expiry is shown all the same") {
  const ScriptedServer expired(hello(), tls("expired"));
  const ScriptedServer elsewhere(hello(), tls("elsewhere"));
  const ScriptedServer server(hello(), tls("server"));
  const auto samples = run({expired.url(), elsewhere.url()});
  CHECK(told(samples, expired.url()) == "tls connect name_lookup");
  CHECK(days_left(samples, expired.url()) == Approx(-1).margin(0.1));
  CHECK_THAT(told(samples, elsewhere.url()), Catch::StartsWith("tls connect name_lookup"));
  CHECK(days_left(samples, elsewhere.url()) == Approx(1).margin(0.1));
  const auto strange = run({server.url()}, "9s", "other_ca.pem");
  CHECK(told(strange, server.url()) == "tls connect name_lookup");
  CHECK(days_left(strange, server.url()) == Approx(1).margin(0.1));
  CHECK(expired.requests().empty());
  CHECK(elsewhere.requests().empty());
  CHECK(server.requests().empty());
}

TEST_CASE("a server that refuses in TLS has that reason, and its certificate's expiry is shown") {
  for (const std::string version : {"TLS1.2", "TLS1.3"}) {
    INFO(version);
    auto wants_certificate = tls("server");
    wants_certificate.client_ca = file("ca.pem");
    wants_certificate.priorities = "NORMAL:-VERS-ALL:+VERS-" + version;
    const ScriptedServer server(hello(), wants_certificate);
    const auto refused = run({server.url()});
    CHECK_THAT(told(refused, server.url()), Catch::StartsWith("tls connect name_lookup"));
    CHECK(days_left(refused, server.url()) == Approx(1).margin(0.1));
    CHECK(server.requests().empty());
    CHECK(server.connections() == 1);
  }
}

TEST_CASE("the expiry of certificates is read from the message of either version of TLS") {
  const auto message = [](const std::string& list, const std::string& context) {
    const auto sized = [](const std::string& bytes) {
      const auto size = bytes.size();
      return std::string{static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                         static_cast<char>(size)} +
             bytes;
    };
    return '\x0b' + sized(context + sized(list));
  };
  const std::string zero(1, '\0');
  for (const auto& text : {std::string(), std::string("\x0b"), message("", ""), message("", zero),
                           message("\x01", ""), message(std::string(3, '\xff'), zero),
                           message(zero + zero + "\x01x", ""), message("abc", "abc")}) {
    CHECK_FALSE(http::earliest_expiry_in_message(text));
  }
  CHECK(http::is_certificate_message(message("", "")));
  CHECK_FALSE(http::is_certificate_message(message("", "") + "x"));
  CHECK_FALSE(http::is_certificate_message("HTTP/1.1 200 OK"));
}
