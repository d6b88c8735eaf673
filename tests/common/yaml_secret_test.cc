#include <stdlib.h>

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;

namespace {

Yaml parse(std::string_view text) { return Yaml::parse(text, "a.yml"); }

}  // namespace

TEST_CASE("a secret is given literally, by file or by variable") {
  const TemporaryDirectory directory;
  directory.write("token.txt", "from file\n");
  const auto file = directory.write("c.yml",
                                    "a: {token: 12345}\n"
                                    "b: {token_file: token.txt}\n"
                                    "c: {token_file: " +
                                        directory.path().string() +
                                        "/token.txt}\n"
                                        "d: {token_env: YAML_TEST_TOKEN}\n"
                                        "e: {other: x}\n");
  ::setenv("YAML_TEST_TOKEN", "from variable", 1);
  const auto yaml = Yaml::load_file(file);
  CHECK(yaml.directory() == directory.path());
  CHECK(yaml.required("e").directory() == directory.path());
  CHECK(yaml.required("a").secret("token").load().reveal() == "12345");
  CHECK(yaml.required("b").secret("token").load().reveal() == "from file");
  CHECK(yaml.required("c").secret("token").load().reveal() == "from file");
  CHECK(yaml.required("d").secret("token").load().reveal() == "from variable");
  CHECK_FALSE(yaml.required("e").optional_secret("token"));
  yaml.required("e").required("other");
  yaml.finish();
  ::unsetenv("YAML_TEST_TOKEN");
}

TEST_CASE("without a file, paths are relative to the working directory") {
  const auto yaml = parse("token_file: no/such/file\n");
  CHECK(yaml.directory().empty());
  const auto source = yaml.secret("token");
  CHECK(error_of(Reason::config, [&] { source.load(); }) ==
        "secret file no/such/file: No such file or directory");
}

TEST_CASE("a secret that is missing, empty, doubled or a map is refused") {
  const auto secret = [](std::string_view text) {
    return error_of(Reason::config, [&] { parse(text).required("auth").secret("token"); });
  };
  CHECK(secret("auth: {tokn_file: a}\n") ==
        "a.yml:1:7: auth.token_file: missing; there is \"tokn_file\"");
  CHECK(secret("auth: {}\n") == "a.yml:1:7: auth.token: missing: give it, token_file or token_env");
  CHECK(secret("auth: {token: a, token_env: b}\n") ==
        "a.yml:1:18: auth.token_env: only one of token, token_file and token_env may be given");
  CHECK(secret("auth: {token_env: a, token_file: b}\n") ==
        "a.yml:1:8: auth.token_env: only one of token, token_file and token_env may be given");
  CHECK(secret("auth: {token: \"\"}\n") == "a.yml:1:15: auth.token: no value");
  CHECK(secret("auth:\n  token_file:\n") == "a.yml:2:3: auth.token_file: no value");
  CHECK(secret("auth: {token: [hunter2]}\n") ==
        "a.yml:1:15: auth.token: expected a string, got a sequence");
  CHECK(error_of(Reason::config, [] { parse("{token: ~}").optional_secret("token"); }) ==
        "a.yml:1:2: token: no value");
}

TEST_CASE("a value that was read as a secret is never quoted") {
  const auto yaml = parse("token: &t hunter2\nn: *t\nm: [*t]\n");
  yaml.secret("token");
  CHECK(error_of(Reason::config, [&] { yaml.required("token").number(); }) ==
        "a.yml:1:8: token: expected a number");
  CHECK(error_of(Reason::config, [&] { yaml.required("n").boolean(); }) ==
        "a.yml:1:8: n: expected true or false");
  CHECK(error_of(Reason::config, [&] { yaml.required("m").items()[0].duration(); }) ==
        "a.yml:1:8: m[0]: expected a duration such as 30s or 1h30m");
  const auto plain = parse("token: hunter2\n");
  plain.secret("token");
  CHECK(error_of(Reason::config, [&] { plain.required("token").integer(); }) ==
        "a.yml:1:8: token: expected an integer");
}

TEST_CASE("a mistyped secret is suggested by its three names") {
  const auto yaml = parse("token_fiel: x\n");
  yaml.optional_secret("token");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) ==
        "a.yml:1:1: token_fiel: unknown key, did you mean \"token_file\"?");
}
