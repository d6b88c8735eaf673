#include "common/config/yaml.h"

#include <stdlib.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/error.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace std::chrono_literals;

namespace {

Yaml parse(std::string_view text) { return Yaml::parse(text, "a.yml"); }

std::string parse_error(std::string_view text) {
  return error_of(Reason::config, [&] { parse(text); });
}

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

TEST_CASE("a doubled key is refused, however it is written") {
  CHECK(parse_error("a: 1\nb: 2\n'a': 3\n") ==
        "a.yml:3:1: a: the key is there twice, first at a.yml:1:1");
  CHECK(parse_error("- x: {b: 1, \"b\": 2}\n") ==
        "a.yml:1:13: [0].x.b: the key is there twice, first at a.yml:1:7");
  CHECK(parse_error("? a\n? a\n") == "a.yml:2:3: a: the key is there twice, first at a.yml:1:3");
  CHECK(parse_error("a: {b: 1}\nc: {b: 1}\n") == "no error");
}

TEST_CASE("keys are strings") {
  CHECK(parse_error("? [a]\n: b\n") ==
        "a.yml:1:3: a key must be a string, or is this bracket not closed?");
  CHECK(parse_error("? {a: b}\n: c\n") ==
        "a.yml:1:3: a key must be a string, or is this bracket not closed?");
  CHECK(parse_error("a: 1\n: b\n") == "a.yml:2:1: a key is missing");
  CHECK(parse_error("a: 1\nverify\n") == "a.yml:2:1: a key without \":\"");
  CHECK(parse_error("~: b\n") == "a.yml:1:1: a key is missing");
  CHECK(parse_error("a: &x [1]\n*x : 2\n") == "a.yml:2:1: a key must be a string");
  CHECK(parse_error("a: &x 1\n<<: *x\n") == "a.yml:2:1: merge keys (<<) are not supported");
  CHECK(parse("\"<<\": x").required("<<").string() == "x");
}

TEST_CASE("an alias stands for what its anchor stands at") {
  const auto yaml = parse("a: &a {x: [1, b], y: ~}\nc: *a\n? &k d\n: *a\n&s e: &t f\n*t : g\n");
  for (const auto* key : {"a", "c", "d"}) {
    const auto place = yaml.required(key);
    CHECK(place.required("x").items()[0].integer() == 1);
    CHECK_FALSE(place.optional("y"));
  }
  CHECK(yaml.required("e").string() == "f");
  CHECK(yaml.required("f").string() == "g");
  CHECK(error_of(Reason::config, [&] { yaml.required("c").required("x").items()[1].number(); }) ==
        "a.yml:1:15: c.x[1]: expected a number");
  yaml.finish();
}

TEST_CASE("what is known of an anchor is not known of its alias") {
  const auto yaml = parse("a: &a {x: 1}\nb: *a\n");
  yaml.required("a").required("x");
  yaml.required("b");
  CHECK(error_of(Reason::config, [&] { yaml.finish(); }) == "a.yml:1:8: b.x: unknown key");
}

TEST_CASE("aliases that cannot be expanded are refused") {
  CHECK(parse_error("a: *b\n") == "a.yml:1:4: an alias without its anchor");
  CHECK(parse_error("a: &a [x, *a]\n") ==
        "a.yml:1:11: an alias within the value that it stands for");
  CHECK(parse_error("a: &a {b: {c: *a}}\n") ==
        "a.yml:1:15: an alias within the value that it stands for");
  CHECK(parse_error("&k a: 1\nb: *k\n") == "a.yml:2:4: an alias of a key is not supported");
}

TEST_CASE("aliases of aliases do not expand without bound") {
  std::string text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto last = std::to_string(i - 1);
    text += "b" + last + ": &a" + std::to_string(i) + " [" + repeated("*a" + last + ", ", 9) +
            "*a" + last + "]\n";
  }
  CHECK(parse_error(text) == "a.yml:6:25: too many values, or aliases that expand too far");
  const std::string big = "a: &a " + repeated("x", 1'000'000) + "\nb: [" + repeated("*a, ", 40);
  CHECK(parse_error(big + "x]\n") ==
        "a.yml:2:133: too many values, or aliases that expand too far");
}

TEST_CASE("YAML of 64 levels is read, and of more is refused before it costs stack") {
  auto yaml = parse(repeated("[", 64) + repeated("]", 64));
  for (int i = 0; i < 63; ++i) yaml = yaml.items()[0];
  CHECK(yaml.items().empty());
  CHECK(parse_error(repeated("[", 65) + repeated("]", 65)) == "a.yml:1:65: more than 64 levels");
  CHECK(parse_error(repeated("- ", 100'000)) == "a.yml:1:129: more than 64 levels");
  CHECK(parse_error("a: " + repeated("{a: ", 100'000)) == "a.yml:1:256: more than 64 levels");
  CHECK(parse_error("a: &a " + repeated("[", 40) + repeated("]", 40) + "\nb: " + repeated("[", 30) +
                    "*a" + repeated("]", 30)) == "a.yml:2:34: more than 64 levels");
}

TEST_CASE("there is a limit to the bytes, the values and the length of a value") {
  const std::size_t limit = 16 << 20;
  CHECK(parse_error(repeated("#", limit - 1) + "\n\n") == "a.yml: larger than 16 MiB");
  std::string text = "a: b\n";
  text += repeated("# comment\n", 50'000);
  CHECK(parse_error(text) == "no error");
  CHECK(parse_error("a: b\nc: " + repeated("x", 1'100'000)) ==
        "a.yml:2:4: a value here is longer than 1 MiB");
  CHECK(parse_error("[" + repeated("a, ", 400'000) + "b]") ==
        "a.yml:1:1: a value here is longer than 1 MiB");
  CHECK(parse_error("a:\n" + repeated("- b\n", 600'000)) ==
        "a.yml:516222:3: too many values, or aliases that expand too far");
}

TEST_CASE("only one document is read") {
  CHECK(parse_error("---\na: 1\n...\n") == "no error");
  const std::string why = "does not fit what is before it, and only one document is allowed";
  CHECK(parse_error("a: 1\n---\nb: 2\n") == "a.yml:2:1: " + why);
  CHECK(parse_error("a: 1\n...\nb: 2\n") == "a.yml:3:1: " + why);
  CHECK(parse_error("---\n---\n") == "a.yml:2:1: " + why);
  CHECK(parse_error("[a, b] c\n") == "a.yml:1:8: " + why);
  CHECK(parse_error("- a\nb: 1\n") == "a.yml:2:1: " + why);
}

TEST_CASE("what yaml-cpp would pass over in silence is refused") {
  CHECK(parse_error("a: 1\n%b: 2\n") == "a.yml:2:1: directives (%) are not supported");
  CHECK(parse_error("%YAML 1.2\n---\na: 1\n") == "a.yml:1:1: directives (%) are not supported");
  CHECK(parse_error("a: 1\nb: \x04\nc: 2\n") == "a.yml:2:4: a control character");
  CHECK(parse_error(std::string_view("a: 1\0b: 2\n", 10)) == "a.yml:1:5: a control character");
  CHECK(parse_error(std::string_view("\0a\0:", 4)) == "a.yml:1:1: a control character");
  CHECK(parse_error("a: 1\rb: 2\n") == "a.yml:1:5: a control character");
  CHECK(parse_error("a: 1\nb: \xFF\n") == "a.yml:2:1: the line is not valid UTF-8");
  CHECK(parse_error("a: !foo 1\n") == "a.yml:1:4: tags are not supported");
  CHECK(parse_error("a: !!binary aGk=\n") == "a.yml:1:4: tags are not supported");
  CHECK(parse_error("a: !!seq [1]\nb: !!map {c: d}\ne: !!str 5\n") == "no error");
}

TEST_CASE("a quote or a bracket that is not closed is refused where it may be") {
  const std::string quote = "a quote that is opened here or later is not closed";
  CHECK(parse_error("a: 1\nb: \"x\nc: 2\n") == "a.yml:2:1: " + quote);
  CHECK(parse_error("a: 1\nb: 'x\nc: 2") == "a.yml:2:1: " + quote);
  CHECK(parse_error("\"x") == "a.yml:1:1: " + quote);
  CHECK(parse_error("a: \"x\n---\ny\"\n") == "a.yml:1:1: " + quote);
  CHECK(parse_error("a: 1\nb: [x, y\n") == "a.yml:2:4: a bracket that is not closed");
  CHECK(parse_error("a: {b: [1, 2], c: 3") == "a.yml:1:4: a bracket that is not closed");
  CHECK(parse_error("a: [1\nb: 2\n") == "a.yml:2:2: expected \",\" or \"]\"");
  CHECK(parse_error("[a, {b: 1}") ==
        "a.yml:1:1: a key must be a string, or is this bracket not closed?");
}

TEST_CASE("what is not YAML is refused in plain words and without its text") {
  CHECK(parse_error("a: b: c\n") == "a.yml:1:5: unexpected \":\"");
  CHECK(parse_error("a: 1\n  b: 2\n") == "a.yml:2:4: unexpected \":\"");
  CHECK(parse_error("a:\n\t- b\n") == "a.yml:2:2: a tab in the indentation");
  CHECK(parse_error("a:\n  b: 1\n\tc: 2\n") == "a.yml:3:1: a tab in the indentation");
  CHECK(parse_error("a: - b\n") == "a.yml:1:4: unexpected \"-\"");
  CHECK(parse_error("a: 1\n]\n") == "a.yml:2:1: unexpected closing bracket");
  CHECK(parse_error("a: [1}\n") == "a.yml:1:6: unexpected closing bracket");
  CHECK(parse_error("a:\n  b: 1\n c: 2\n") ==
        "a.yml:3:2: does not fit the map before it: check the indentation");
  CHECK(parse_error("a: \"x\" hunter2\n") ==
        "a.yml:1:8: does not fit the map before it: check the indentation");
  CHECK(parse_error("a:\n  - b\n  c: d\n") ==
        "a.yml:3:3: does not fit the map before it: check the indentation");
  CHECK(parse_error("- \"b\" c\n") ==
        "a.yml:1:7: does not fit the sequence before it: check the indentation");
  CHECK(parse_error("a: [\"b\" c]\n") == "a.yml:1:9: expected \",\" or \"]\"");
  CHECK(parse_error("a: {b: \"c\" d}\n") == "a.yml:1:12: expected \",\" or \"}\"");
  CHECK(parse_error("a: @x\n") ==
        "a.yml:1:4: unexpected character: text that begins so needs quotes");
  CHECK(parse_error("a: \"\\hunter2\"\n") == "a.yml:1:7: an escape that YAML does not know");
  CHECK(parse_error("a: \"\\xzz\"\n") == "a.yml:1:9: an escape that YAML does not know");
  CHECK(parse_error("a: \"\\ud800\"\n") == "a.yml:1:11: an escape that YAML does not know");
  CHECK(parse_error("a: |hunter2\n") == "a.yml:1:5: unexpected text after \"|\" or \">\"");
  CHECK(parse_error("a: &x &y 1\n") == "a.yml:1:7: not valid YAML");
  CHECK(parse_error("a: !hunter2! 1\n") == "a.yml:1:13: not valid YAML");
}

TEST_CASE("a secret is given literally, by file or by variable") {
  const TemporaryFolder folder;
  folder.write("token.txt", "from file\n");
  const auto file = folder.write("c.yml",
                                 "a: {token: 12345}\n"
                                 "b: {token_file: token.txt}\n"
                                 "c: {token_file: " +
                                     folder.path().string() +
                                     "/token.txt}\n"
                                     "d: {token_env: YAML_TEST_TOKEN}\n"
                                     "e: {other: x}\n");
  ::setenv("YAML_TEST_TOKEN", "from variable", 1);
  const auto yaml = Yaml::load_file(file);
  CHECK(yaml.folder() == folder.path());
  CHECK(yaml.required("e").folder() == folder.path());
  CHECK(yaml.required("a").secret("token").load().reveal() == "12345");
  CHECK(yaml.required("b").secret("token").load().reveal() == "from file");
  CHECK(yaml.required("c").secret("token").load().reveal() == "from file");
  CHECK(yaml.required("d").secret("token").load().reveal() == "from variable");
  CHECK_FALSE(yaml.required("e").optional_secret("token"));
  yaml.required("e").required("other");
  yaml.finish();
  ::unsetenv("YAML_TEST_TOKEN");
}

TEST_CASE("without a file, paths are relative to the working folder") {
  const auto yaml = parse("token_file: no/such/file\n");
  CHECK(yaml.folder().empty());
  const auto source = yaml.secret("token");
  CHECK(error_of(Reason::config, [&] {
          try {
            source.load();
          } catch (const Error& error) {
            throw Error(Reason::config, error.what());
          }
        }) == "secret file no/such/file: No such file or directory");
}

TEST_CASE("a secret that is missing, empty, doubled or a map is refused") {
  const auto secret = [](std::string_view text) {
    return error_of(Reason::config, [&] { parse(text).required("auth").secret("token"); });
  };
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

TEST_CASE("a file that cannot be read is refused by name") {
  const TemporaryFolder folder;
  const auto missing = folder.path().string() + "/missing.yml";
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(missing); }) ==
        missing + ": No such file or directory");
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(folder.path().string()); }) ==
        folder.path().string() + ": Is a directory");
  const auto huge = folder.write("huge.yml", "");
  std::filesystem::resize_file(huge, (16 << 20) + 1);
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(huge); }) == huge + ": larger than 16 MiB");
  const auto bad = folder.write("bad.yml", "a: 1\nb: [\n");
  CHECK(error_of(Reason::config, [&] { Yaml::load_file(bad); }) ==
        bad + ":2:4: a bracket that is not closed");
}

TEST_CASE("a file of 16 MiB is read") {
  const TemporaryFolder folder;
  const std::string line = "- " + repeated("x", 997) + "\n";
  std::string text = repeated(line, (16 << 20) / line.size());
  text += "# " + repeated("x", (16 << 20) - text.size() - 3) + "\n";
  REQUIRE(text.size() == 16 << 20);
  CHECK(Yaml::load_file(folder.write("big.yml", text)).items().size() == (16 << 20) / line.size());
}
