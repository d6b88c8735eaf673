#include "common/http/client_config.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/common/client_fixture.h"
#include "tests/support/certificates.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::http;
using namespace std::chrono_literals;

namespace {

constexpr const char* kUrl = "url: https://a.example/api\n";

ClientOptions named() {
  ClientOptions options;
  options.name = "prod";
  return options;
}

/// The entry as a file in `directory`. Throws if it has an unknown key.
ClientConfig read(const std::string& entry,
                  const TemporaryDirectory& directory = TemporaryDirectory()) {
  const auto yaml = Yaml::load_file(directory.write("a.yml", entry));
  auto config = read_client_config(yaml, named());
  yaml.finish();
  return config;
}

/// The error without the name of the directory.
std::string why(const std::string& entry,
                const TemporaryDirectory& directory = TemporaryDirectory()) {
  auto text = error_of(Reason::config, [&] { read(entry, directory); });
  const auto name = directory.path().string() + '/';
  for (auto at = text.find(name); at != text.npos; at = text.find(name))
    text.erase(at, name.size());
  CHECK(text.find("hunter2") == text.npos);
  return text;
}

std::string revealed(const SecretSource& source) { return std::string(source.load().reveal()); }

/// The header Authorization that the credentials add.
std::string authorization(const Authorize& authorize) {
  if (!authorize.add) return "none";
  ClientRequest each;
  authorize.add(each, soon());
  return each.headers.at(0).second;
}

}  // namespace

TEST_CASE("an entry with an address alone is a client without credentials") {
  const auto config = read(kUrl);
  CHECK(config.options.name == "prod");
  CHECK(config.options.base_url == "https://a.example/api");
  CHECK(config.options.headers.empty());
  CHECK(config.options.proxy.url.empty());
  CHECK(config.options.budget.requests_per_second == 0);
  CHECK(authorization(config.authorize) == "none");
}

TEST_CASE("the address is an absolute one, or a default") {
  CHECK(why("a: b\n") == "a.yml:1:1: url: missing");
  CHECK(why("url: a.example\n") ==
        "a.yml:1:6: url: expected a URL that begins with http:// or https://");
  CHECK(why("url: https://me:hunter2@a.example\n") ==
        "a.yml:1:6: url: must not contain a user or a password");
  CHECK(why("url: https://a.example?token=hunter2\n") ==
        "a.yml:1:6: url: must not contain a query or a fragment");
  auto defaults = named();
  defaults.base_url = "https://default.example";
  const auto address = [&](const char* text) {
    return read_client_config(Yaml::parse(text, "a.yml"), defaults).options.base_url;
  };
  CHECK(address("{}") == "https://default.example");
  CHECK(address("url: http://other") == "http://other");
  CHECK(read_url(Yaml::parse("endpoint: http://other", "a.yml"), "endpoint") == "http://other");
}

TEST_CASE("credentials are a token, or a user with a password, or none") {
  const TemporaryDirectory directory;
  directory.write("token", "from file\n");
  CHECK(authorization(read(kUrl + std::string("bearer_token: hunter2\n")).authorize) ==
        "Bearer hunter2");
  CHECK(
      authorization(read(kUrl + std::string("bearer_token_file: token\n"), directory).authorize) ==
      "Bearer from file");
  CHECK(authorization(read(kUrl + std::string("username: a\npassword: b\n")).authorize) ==
        "Basic YTpi");
  const auto error = [](const std::string& text) { return why(kUrl + text); };
  CHECK(error("username: a\nbearer_token: hunter2\npassword: hunter2\n") ==
        "a.yml:2:11: username: bearer_token is also given: they are mutually exclusive");
  CHECK(error("username: a\n") ==
        "a.yml:1:1: password: missing: give it, password_file or password_env");
  CHECK(error("password: hunter2\n") == "a.yml:1:1: password needs a username");
  CHECK(error("username: a:b\npassword: hunter2\n") ==
        "a.yml:2:11: username: a user name cannot contain a colon");
  CHECK(error("headers: {Authorization: hunter2}\nbearer_token: hunter2\n") ==
        "a.yml:2:10: headers: Authorization and credentials are both given: they are mutually "
        "exclusive");
}

TEST_CASE("own headers are given as they are, or as secrets") {
  const TemporaryDirectory directory;
  directory.write("key", "from file\n");
  const auto headers = read(kUrl + std::string("headers:\n"
                                               "  X-Tenant: acme\n"
                                               "  X-Key: {value_file: key}\n"
                                               "  X-Other: {value: literal}\n"
                                               "  Authorization: Token 1\n"),
                            directory)
                           .options.headers;
  REQUIRE(headers.size() == 4);
  CHECK(headers[0].first == "X-Tenant");
  CHECK(revealed(headers[0].second) == "acme");
  CHECK(revealed(headers[1].second) == "from file");
  CHECK(revealed(headers[2].second) == "literal");
  const auto error = [](const std::string& text) { return why(kUrl + text); };
  CHECK(error("headers: {'a b': hunter2}\n") == "a.yml:2:18: headers[\"a b\"]: not a header name");
  CHECK(error("headers: {Content-Length: 1}\n") ==
        "a.yml:2:27: headers.Content-Length: is set by the client itself");
  CHECK(error("headers: {X-Key: a, x-key: hunter2}\n") ==
        "a.yml:2:28: headers.x-key: duplicate: header names are case-insensitive");
  CHECK(error("headers: {X-Key: \"hunter2\\n\"}\n") ==
        "a.yml:2:18: headers.X-Key: contains a line break or a control character");
  CHECK(error("headers: {X-Key: [hunter2]}\n") ==
        "a.yml:2:18: headers.X-Key: expected a string, got a sequence");
  CHECK(error("headers: {X-Key: {value_fiel: a}}\n") ==
        "a.yml:2:18: headers.X-Key.value_file: missing; there is \"value_fiel\"");
}

TEST_CASE("files are taken from the directory of the configuration, and are there") {
  const TemporaryDirectory directory;
  make_authority(directory.path(), "ca");
  directory.write("empty.pem", "hunter2\n");
  const auto options = read(kUrl + std::string("ca_file: ca.pem\n"
                                               "client_certificate_file: ca.pem\n"
                                               "client_key_file: " +
                                               (directory.path() / "ca.key").string() + "\n"),
                            directory)
                           .options;
  CHECK(options.ca_file == directory.path() / "ca.pem");
  CHECK(options.client_certificate_file == directory.path() / "ca.pem");
  CHECK(options.client_key_file == directory.path() / "ca.key");
  const auto error = [&](const std::string& text) { return why(kUrl + text, directory); };
  CHECK(error("ca_file: empty.pem\n") == "a.yml:2:10: ca_file: empty.pem: contains no certificate");
  CHECK(error("ca_file: missing.pem\n") ==
        "a.yml:2:10: ca_file: missing.pem: No such file or directory");
  CHECK(error("client_certificate_file: /\n") ==
        "a.yml:2:26: client_certificate_file: /: not a regular file");
  CHECK(error("client_key_file: ca.key\n") ==
        "a.yml:2:18: client_key_file: needs a client_certificate_file");
}

TEST_CASE("a proxy may have a login and exceptions") {
  const TemporaryDirectory directory;
  directory.write("password", "from file\n");
  const auto proxy = read(kUrl + std::string("proxy: http://proxy:3128\n"
                                             "proxy_username: me\n"
                                             "proxy_password_file: password\n"
                                             "no_proxy: [a.example, 10.0.0.0/8]\n"),
                          directory)
                         .options.proxy;
  CHECK(proxy.url == "http://proxy:3128");
  CHECK(revealed(proxy.login->user) == "me");
  CHECK(revealed(proxy.login->password) == "from file");
  CHECK(proxy.none == std::vector<std::string>{"a.example", "10.0.0.0/8"});
  CHECK_FALSE(read(kUrl + std::string("proxy: http://proxy:3128\n")).options.proxy.login);
  const auto error = [](const std::string& text) { return why(kUrl + text); };
  CHECK(error("proxy: socks5://proxy\n") ==
        "a.yml:2:8: proxy: expected a URL that begins with http://");
  CHECK(error("proxy: http://me:hunter2@proxy\n") ==
        "a.yml:2:8: proxy: must not contain a user or a password: see proxy_username");
  CHECK(error("proxy_username: a\nproxy_password: hunter2\n") ==
        "a.yml:1:1: proxy_username and proxy_password need a proxy");
  CHECK(error("proxy: http://proxy\nproxy_password: hunter2\n") ==
        "a.yml:1:1: proxy_username and proxy_password must be given together");
  CHECK(error("no_proxy: [a]\n") == "a.yml:2:11: no_proxy: needs a proxy");
  CHECK(error("proxy: http://proxy\nno_proxy: ['a,b']\n") ==
        "a.yml:3:12: no_proxy[0]: expected a host name or an address");
}

TEST_CASE("timeouts and the budget are numbers that make sense") {
  const auto options = read(kUrl + std::string("connect_timeout: 3s\n"
                                               "try_timeout: 1m\n"
                                               "budget: {requests_per_second: 0.5, burst: 4, "
                                               "at_once: 2}\n"))
                           .options;
  CHECK(options.retry.connect_timeout == 3s);
  CHECK(options.retry.try_timeout == 1min);
  CHECK(options.budget.requests_per_second == 0.5);
  CHECK(options.budget.burst == 4);
  CHECK(options.budget.at_once == 2);
  const auto error = [](const std::string& text) { return why(kUrl + text); };
  for (const std::string key : {"connect_timeout", "try_timeout"}) {
    const auto where = "a.yml:2:" + std::to_string(key.size() + 3) + ": " + key;
    for (const auto* value : {"0", "61m"}) {
      CHECK(error(key + ": " + value + "\n") ==
            where + ": expected a duration above 0 and at most 1h");
    }
  }
  for (const auto* rate : {"0", "-1", "0.000001", "1000001"}) {
    CHECK(error("budget: {requests_per_second: " + std::string(rate) + "}\n") ==
          "a.yml:2:31: budget.requests_per_second: expected one per day to a million per second");
  }
  CHECK(error("budget: {burst: 0}\n") == "a.yml:2:17: budget.burst: expected 1 to 1000");
  CHECK(error("budget: {at_once: 1001}\n") == "a.yml:2:19: budget.at_once: expected 1 to 1000");
  CHECK(error("budget: {rate: 1}\n") == "a.yml:2:10: budget.rate: unknown key");
}

TEST_CASE("what an exporter does for itself is not asked for") {
  const auto yaml = Yaml::parse("proxy: http://proxy\nurl: a\n", "a.yml");
  CHECK(read_client_options(yaml, named()).proxy.url == "http://proxy");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:2:1: url: unknown key");
}
