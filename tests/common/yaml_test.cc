#include "common/config/yaml.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "common/base/error.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

Yaml parse(std::string_view text) { return Yaml::parse(text, "a.yml"); }

std::string repeated(std::string_view text, std::size_t count) {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += text;
  return all;
}

constexpr std::string_view kTargets = R"(# the targets
targets:
  - url: http://[::1]:8080   # the first
    timeout: 30s
    retries: 3
    ratio: 0.25
    verify: true
  - {url: "é \"quoted\"\n", timeout: "1h30m", retries: -1, ratio: +1e3, verify: false}
)";

}  // namespace

TEST_CASE("a YAML document is read by its places") {
  const auto yaml = parse(kTargets);
  const auto targets = yaml.required("targets").items();
  REQUIRE(targets.size() == 2);
  CHECK(yaml.is_map());
  CHECK(yaml.required("targets").is_sequence());
  CHECK(targets[0].required("url").string() == "http://[::1]:8080");
  CHECK(targets[0].required("timeout").duration() == 30s);
  CHECK(targets[0].required("timeout").string() == "30s");
  CHECK(targets[0].required("retries").integer() == 3);
  CHECK(targets[0].required("retries").number() == 3.0);
  CHECK(targets[0].required("ratio").number() == 0.25);
  CHECK(targets[0].required("verify").boolean());
  CHECK(targets[1].required("url").string() == "é \"quoted\"\n");
  CHECK(targets[1].required("timeout").duration() == 90min);
  CHECK(targets[1].required("retries").integer() == -1);
  CHECK(targets[1].required("ratio").number() == 1000.0);
  CHECK_FALSE(targets[1].required("verify").boolean());
  CHECK_FALSE(yaml.optional("other"));
  yaml.finish();
}

TEST_CASE("a place in YAML outlives the value it came from") {
  auto place = [] { return parse("a: {b: [x]}").required("a").required("b"); }();
  const auto item = place.items()[0];
  place = parse("1");
  CHECK(item.string() == "x");
  CHECK(item.where() == "a.yml:1:9: a.b[0]");
}

TEST_CASE("entries come in the order of the document and are known") {
  const auto yaml = parse("users:\n  zoe: 1\n  \"adam b\": 2\n  1: 3\n");
  std::string seen;
  for (const auto& [key, value] : yaml.required("users").entries()) {
    seen += key + "=" + value.string() + " " + value.where() + "\n";
  }
  CHECK(seen ==
        "zoe=1 a.yml:2:8: users.zoe\n"
        "adam b=2 a.yml:3:13: users[\"adam b\"]\n"
        "1=3 a.yml:4:6: users.1\n");
  yaml.finish();
}

TEST_CASE("block scalars, folds and several lines are read as YAML says") {
  const auto yaml = parse("a: |\n  x\n   y\n\nb: >-\n  x\n  y\nc: x\n  y\nd: 'it''s'\n");
  CHECK(yaml.required("a").string() == "x\n y\n");
  CHECK(yaml.required("b").string() == "x y");
  CHECK(yaml.required("c").string() == "x y");
  CHECK(yaml.required("d").string() == "it's");
}

TEST_CASE("lines may end in CRLF, and a byte order mark is passed over") {
  const auto yaml = parse(
      "\xEF\xBB\xBF"
      "a: x\r\nb:\r\n  - y\r\n  - 5x\r\n");
  CHECK(yaml.required("a").string() == "x");
  CHECK(error_of(Reason::config, [&] { yaml.required("b").items()[1].number(); }) ==
        "a.yml:4:5: b[1]: expected a number, got \"5x\"");
}

TEST_CASE("an empty document is an empty map") {
  for (const auto* text : {"", "\n", "# nothing\n", "---\n", "---\n...\n", "~", "\xEF\xBB\xBF"}) {
    CAPTURE(text);
    const auto yaml = parse(text);
    CHECK(yaml.is_map());
    CHECK(yaml.entries().empty());
    CHECK_FALSE(yaml.optional("a"));
    yaml.finish();
  }
  CHECK(error_of(Reason::config, [] { parse("").required("url"); }) == "a.yml:1:1: url: missing");
}

TEST_CASE("what is missing, null or of another type is named by place and path") {
  const auto yaml =
      parse("targets:\n  - name: x\n    url:\n    tls: [a]\n    auth: {}\n    n: ~\n");
  const auto target = yaml.required("targets").items()[0];
  CHECK(error_of(Reason::config, [&] { target.required("key"); }) ==
        "a.yml:2:5: targets[0].key: missing");
  CHECK(error_of(Reason::config, [&] { target.required("url"); }) ==
        "a.yml:3:5: targets[0].url: no value");
  CHECK(error_of(Reason::config, [&] { target.required("n"); }) ==
        "a.yml:6:5: targets[0].n: no value");
  CHECK(error_of(Reason::config, [&] { target.required("a b"); }) ==
        "a.yml:2:5: targets[0][\"a b\"]: missing");
  CHECK(error_of(Reason::config, [&] { target.required("lts"); }) ==
        "a.yml:2:5: targets[0].lts: missing; there is \"tls\"");
  CHECK_FALSE(target.optional("url"));
  CHECK(error_of(Reason::config, [&] { target.required("tls").string(); }) ==
        "a.yml:4:10: targets[0].tls: expected a string, got a sequence");
  CHECK(error_of(Reason::config, [&] { target.required("tls").required("ca"); }) ==
        "a.yml:4:10: targets[0].tls: expected a map, got a sequence");
  CHECK(error_of(Reason::config, [&] { target.required("auth").items(); }) ==
        "a.yml:5:11: targets[0].auth: expected a sequence, got a map");
  CHECK(error_of(Reason::config, [&] { target.required("auth").number(); }) ==
        "a.yml:5:11: targets[0].auth: expected a number, got a map");
  CHECK(error_of(Reason::config, [&] { target.required("name").entries(); }) ==
        "a.yml:2:11: targets[0].name: expected a map, got a string");
  CHECK(error_of(Reason::config, [&] { target.required("name").optional("x"); }) ==
        "a.yml:2:11: targets[0].name: expected a map, got a string");
  CHECK(error_of(Reason::config, [&] { target.required("name").secret("x"); }) ==
        "a.yml:2:11: targets[0].name: expected a map, got a string");
  CHECK(error_of(Reason::config, [&] { target.fail("no such host"); }) ==
        "a.yml:2:5: targets[0]: no such host");
  CHECK(error_of(Reason::config, [&] { yaml.fail("no targets"); }) == "a.yml:1:1: no targets");
  CHECK(yaml.where() == "a.yml:1:1");
  CHECK(target.where() == "a.yml:2:5: targets[0]");
}

TEST_CASE("an item without a value is null, at the place of its sequence") {
  const auto items = parse("- \n- b\n-\n").items();
  REQUIRE(items.size() == 3);
  CHECK(error_of(Reason::config, [&] { items[2].string(); }) ==
        "a.yml:1:1: [2]: expected a string, got null");
  CHECK(error_of(Reason::config, [&] { items[0].duration(); }) ==
        "a.yml:1:1: [0]: expected a duration such as 30s or 1h30m, got null");
}

TEST_CASE("a column counts characters") {
  CHECK(error_of(Reason::config, [] { parse("{é: \"😀\", n: x}").required("n").number(); }) ==
        "a.yml:1:13: n: expected a number, got \"x\"");
}

TEST_CASE("numbers are decimal, finite and not in quotes") {
  const auto integer = [](const std::string& text) {
    return error_of(Reason::config, [&] { parse("n: " + text).required("n").integer(); });
  };
  const auto number = [](const std::string& text) {
    return error_of(Reason::config, [&] { parse("n: " + text).required("n").number(); });
  };
  for (const auto* text : {"abc", "1x", "++1", "+-1", "0x10", "1_000", "1e999", ".inf", "nan"}) {
    const auto got = std::string("got \"") + text + "\"";
    CHECK(number(text) == "a.yml:1:4: n: expected a number, " + got);
    CHECK(integer(text) == "a.yml:1:4: n: expected an integer, " + got);
  }
  CHECK(integer("1.0") == "a.yml:1:4: n: expected an integer, got \"1.0\"");
  CHECK(integer("9223372036854775808") ==
        "a.yml:1:4: n: expected an integer, got \"9223372036854775808\"");
  CHECK(integer("\"5\"") == "a.yml:1:4: n: expected an integer, got \"5\" in quotes");
  CHECK(number("'5'") == "a.yml:1:4: n: expected a number, got \"5\" in quotes");
  CHECK(number("!!str 5") == "a.yml:1:4: n: expected a number, got \"5\" in quotes");
  CHECK(parse("+5").integer() == 5);
  CHECK(parse("-9223372036854775808").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(parse("-.5").number() == -0.5);
}

TEST_CASE("a boolean is true or false, not in quotes") {
  const auto boolean = [](const std::string& text) {
    return error_of(Reason::config, [&] { parse("b: " + text).required("b").boolean(); });
  };
  for (const auto* text : {"yes", "on", "True", "1"}) {
    CHECK(boolean(text) ==
          std::string("a.yml:1:4: b: expected true or false, got \"") + text + "\"");
  }
  CHECK(boolean("\"true\"") == "a.yml:1:4: b: expected true or false, got \"true\" in quotes");
  CHECK(boolean("[]") == "a.yml:1:4: b: expected true or false, got a sequence");
}

TEST_CASE("a duration is one of Prometheus") {
  CHECK(error_of(Reason::config, [] { parse("30").duration(); }) ==
        "a.yml:1:1: expected a duration such as 30s or 1h30m, got \"30\"");
  CHECK(parse("\"30s\"").duration() == 30s);
  CHECK(parse("0").duration() == 0s);
}

TEST_CASE("a quoted value is cut to 40 bytes at a character, on one line") {
  const auto number = [](const std::string& text) {
    return error_of(Reason::config, [&] { parse(text).number(); });
  };
  const std::string prefix = "a.yml:1:1: expected a number, got ";
  CHECK(number(repeated("x", 40)) == prefix + "\"" + repeated("x", 40) + "\"");
  CHECK(number(repeated("x", 41)) == prefix + "\"" + repeated("x", 40) + "...\"");
  CHECK(number(repeated("x", 39) + "é") == prefix + "\"" + repeated("x", 39) + "...\"");
  CHECK(number(R"("a\nb\r\t\"\\\x01\x7f")") == prefix + R"("a\nb\r\t\"\\\x01\x7f" in quotes)");
}

TEST_CASE("an unknown key is refused with the nearest that is asked for") {
  const auto yaml = parse("targets:\n  - name: x\n    urll: y\n    zzz: 1\n");
  const auto target = yaml.required("targets").items()[0];
  target.required("name");
  target.optional("interval");
  target.optional("url");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) ==
        "a.yml:3:5: targets[0].urll: unknown key, did you mean \"url\"?");
  CHECK(error_of(Reason::config, [&] { target.finish(); }) ==
        "a.yml:3:5: targets[0].urll: unknown key, did you mean \"url\"?");
  target.required("urll");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) ==
        "a.yml:4:5: targets[0].zzz: unknown key");
  target.optional("zzz");
  yaml.finish();
}

TEST_CASE("a key that is not expected is refused before others are asked for") {
  constexpr std::string_view kKeys[] = {"every", "query"};
  const auto yaml = parse("a:\n  evry: 1m\n  query: {deep: 1}\nb: {query: x}\nc: 1\n");
  CHECK(error_of(Reason::config, [&] { yaml.required("a").expect_keys(kKeys); }) ==
        "a.yml:2:3: a.evry: unknown key, did you mean \"every\"?");
  yaml.required("b").expect_keys(kKeys);
  CHECK(error_of(Reason::config, [&] { yaml.required("c").expect_keys(kKeys); }) ==
        "a.yml:5:4: c: expected a map, got a string");
}

TEST_CASE("finish looks below what is known, in the order of the document") {
  const auto yaml = parse("a:\n  b:\n    - [{c: 1}]\nd: 2\n");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:1:1: a: unknown key");
  yaml.optional("a");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:2:3: a.b: unknown key");
  const auto b = yaml.required("a").required("b");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:3:9: a.b[0][0].c: unknown key");
  CHECK(error_of(Reason::config, [&] { b.finish(); }) == "a.yml:3:9: a.b[0][0].c: unknown key");
  b.items()[0].items()[0].entries();
  b.finish();
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:4:1: d: unknown key");
}

TEST_CASE("a file that cannot be read is refused by name") {
  const TemporaryDirectory directory;
  const auto missing = directory.path().string() + "/missing.yml";
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(missing); }) ==
        missing + ": No such file or directory");
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(directory.path().string()); }) ==
        directory.path().string() + ": Is a directory");
  const auto huge = directory.write("huge.yml", "");
  std::filesystem::resize_file(huge, (16 << 20) + 1);
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(huge); }) == huge + ": larger than 16 MiB");
  const auto bad = directory.write("bad.yml", "a: 1\nb: [\n");
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(bad); }) ==
        bad + ":2:4: a bracket that is not closed");
}

TEST_CASE("a file of 16 MiB is read") {
  const TemporaryDirectory directory;
  const std::string line = "- " + repeated("x", 997) + "\n";
  std::string text = repeated(line, (16 << 20) / line.size());
  text += "# " + repeated("x", (16 << 20) - text.size() - 3) + "\n";
  REQUIRE(text.size() == 16 << 20);
  CHECK(Yaml::load_file(directory.write("big.yml", text)).items().size() ==
        (16 << 20) / line.size());
}
