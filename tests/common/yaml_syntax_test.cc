#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "tests/support/error_of.h"

using namespace exporter;

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

}  // namespace

TEST_CASE("a doubled key is refused, however it is written") {
  CHECK(parse_error("a: 1\nb: 2\n'a': 3\n") == "a.yml:3:1: a: duplicate key, first at a.yml:1:1");
  CHECK(parse_error("- x: {b: 1, \"b\": 2}\n") ==
        "a.yml:1:13: [0].x.b: duplicate key, first at a.yml:1:7");
  CHECK(parse_error("? a\n? a\n") == "a.yml:2:3: a: duplicate key, first at a.yml:1:3");
  CHECK(parse_error("a: {b: 1}\nc: {b: 1}\n") == "no error");
}

TEST_CASE("keys are strings") {
  CHECK(parse_error("? [a]\n: b\n") ==
        "a.yml:1:3: a key must be a string; is a bracket not closed?");
  CHECK(parse_error("? {a: b}\n: c\n") ==
        "a.yml:1:3: a key must be a string; is a bracket not closed?");
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
  CHECK(parse_error("a: &a [x, *a]\n") == "a.yml:1:11: an alias within its own value");
  CHECK(parse_error("a: &a {b: {c: *a}}\n") == "a.yml:1:15: an alias within its own value");
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
  const std::string why = "unexpected here: only one document is allowed";
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
  CHECK(parse_error("[a, {b: 1}") == "a.yml:1:1: a key must be a string; is a bracket not closed?");
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
        "a.yml:1:4: unexpected character: text that begins with it needs quotes");
  CHECK(parse_error("a: \"\\hunter2\"\n") == "a.yml:1:7: an unknown escape sequence");
  CHECK(parse_error("a: \"\\xzz\"\n") == "a.yml:1:9: an unknown escape sequence");
  CHECK(parse_error("a: \"\\ud800\"\n") == "a.yml:1:11: an unknown escape sequence");
  CHECK(parse_error("a: |hunter2\n") == "a.yml:1:5: unexpected text after \"|\" or \">\"");
  CHECK(parse_error("a: &x &y 1\n") == "a.yml:1:7: not valid YAML");
  CHECK(parse_error("a: !hunter2! 1\n") == "a.yml:1:13: not valid YAML");
}
