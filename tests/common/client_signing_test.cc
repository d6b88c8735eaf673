// Signatures are checked by a second implementation of "AWS Signature Version 4", from Amazon's
// description of it.

#include <gnutls/crypto.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <map>
#include <sstream>

#include "common/base/percent.h"
#include "common/base/text.h"
#include "common/http/authorize.h"
#include "tests/common/client_fixture.h"

using namespace exporter;
using namespace exporter::http;

namespace {

const std::string kKey = "very secret/+key";

std::string hmac(std::string_view key, std::string_view text) {
  std::array<char, 32> out{};
  REQUIRE(gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.data(), key.size(), text.data(), text.size(),
                           out.data()) == 0);
  return {out.begin(), out.end()};
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    text.append({kDigits[byte >> 4], kDigits[byte & 15]});
  }
  return text;
}

std::string sha256(std::string_view text) {
  std::array<char, 32> out{};
  REQUIRE(gnutls_hash_fast(GNUTLS_DIG_SHA256, text.data(), text.size(), out.data()) == 0);
  return hex({out.data(), out.size()});
}

/// A request as it came.
struct Received {
  std::string method, path, query;
  std::map<std::string, std::string> headers;  // names in lower case
};

Received parse(std::string_view text) {
  Received received;
  auto line = next_part(text, '\n');
  received.method = next_word(line);
  auto target = next_word(line);
  received.path = next_part(target, '?');
  received.query = target;
  while (!(line = trim(next_part(text, '\n'))).empty()) {
    std::string name(next_part(line, ':'));
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    received.headers[name] = trim(line);
  }
  return received;
}

/// What follows "name=" in the Authorization header.
std::string part(const Received& received, const std::string& name) {
  const auto& header = received.headers.at("authorization");
  const auto begin = header.find(name + '=') + name.size() + 1;
  return header.substr(begin, header.find(',', begin) - begin);
}

std::string canonical_request(const Received& received) {
  std::string text = received.method + '\n' + received.path + '\n' + received.query + '\n';
  const auto names = part(received, "SignedHeaders");
  for (std::string_view rest = names; !rest.empty();) {
    const std::string name(next_part(rest, ';'));
    REQUIRE(received.headers.contains(name));
    text += name + ':' + received.headers.at(name) + '\n';
  }
  return text + '\n' + names + '\n' + received.headers.at("x-amz-content-sha256");
}

std::string expected_signature(const Received& received, const std::string& region) {
  const auto& time = received.headers.at("x-amz-date");
  const auto day = time.substr(0, 8);
  auto key = hmac("AWS4" + kKey, day);
  for (const auto& of : {region, std::string("s3"), std::string("aws4_request")}) {
    key = hmac(key, of);
  }
  return hex(hmac(key, "AWS4-HMAC-SHA256\n" + time + '\n' + day + '/' + region +
                           "/s3/aws4_request\n" + sha256(canonical_request(received))));
}

/// The signed request as the server receives it.
Received received(const std::string& method, const std::string& target,
                  std::optional<SecretSource> session_token = {}) {
  ScriptedServer server(answer([](const std::string&) { return reply(200, ""); }));
  ClientFixture fixture(server.url());
  auto client = fixture.client(
      with_aws_signature("eu-central-1", "s3",
                         {SecretSource::literal(Secret("AKID")),
                          SecretSource::literal(Secret(kKey)), std::move(session_token)}));
  CHECK(result_of(client, request(target, method)) == "status 200");
  REQUIRE(server.requests().size() == 1);
  return parse(server.requests()[0]);
}

void check_signature(const Received& received) {
  const auto day = received.headers.at("x-amz-date").substr(0, 8);
  CHECK(part(received, "Credential") == "AKID/" + day + "/eu-central-1/s3/aws4_request");
  CHECK(received.headers.at("x-amz-content-sha256") == sha256(""));
  CHECK(part(received, "Signature") == expected_signature(received, "eu-central-1"));
}

}  // namespace

TEST_CASE("a signature covers the method, the path and the query as they are sent") {
  check_signature(received("GET", "/lake/target/manifest.json"));
  check_signature(received("HEAD", '/' + percent_encoded("lake/a b+ü%2F&='*~/target", "/")));
  check_signature(received("GET", "/lake/?continuation-token=a%2Bb%2F%3D%3D&list-type=2&prefix="));
}

TEST_CASE("a session token is sent and signed") {
  const auto got = received("GET", "/lake/", SecretSource::literal(Secret("tick/et=")));
  CHECK(got.headers.at("x-amz-security-token") == "tick/et=");
  CHECK(part(got, "SignedHeaders") == "host;x-amz-content-sha256;x-amz-date;x-amz-security-token");
  check_signature(got);
}

TEST_CASE("all but unreserved characters are percent-encoded") {
  CHECK(percent_encoded("aZ09-._~") == "aZ09-._~");
  CHECK(percent_encoded("a/b c?d=e&f+g%h") == "a%2Fb%20c%3Fd%3De%26f%2Bg%25h");
  CHECK(percent_encoded("a/ü", "/") == "a/%C3%BC");
}
