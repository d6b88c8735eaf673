#include "common/config/json.h"

#include <catch2/catch.hpp>
#include <ctime>
#include <limits>

#include "common/base/error.h"
#include "tests/support/error_of.h"

using namespace exporter;

namespace {

Json parse(std::string_view text) { return Json::parse(text, "GET /dags"); }

std::string parse_error(std::string_view text) {
  return error_of(Reason::decode, [&] { parse(text); });
}

std::string nested(std::size_t levels, std::string_view open, std::string_view close) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += open;
  text += "1";
  for (std::size_t i = 0; i < levels; ++i) text += close;
  return text;
}

}  // namespace

TEST_CASE("a JSON reply is read by its places") {
  const auto json = parse(R"({"dags": [{"id": "a", "paused": true, "runs": 3, "rate": 1.5},
                              {"id": "é\n😀", "paused": false, "at": "2026-01-02T03:04:05.678Z"}],
                              "total": null})");
  const auto dags = json.at("dags").items();
  REQUIRE(dags.size() == 2);
  CHECK(dags[0].at("id").string() == "a");
  CHECK(dags[0].at("paused").boolean());
  CHECK(dags[0].at("runs").integer() == 3);
  CHECK(dags[0].at("runs").number() == 3.0);
  CHECK(dags[0].at("rate").number() == 1.5);
  CHECK(dags[1].at("id").string() == "é\n😀");
  CHECK_FALSE(dags[1].at("paused").boolean());
  CHECK(dags[1].at("at").time().time_since_epoch().count() == 1'767'323'045'678'000);
  CHECK_FALSE(json.find("total"));
  CHECK_FALSE(json.find("other"));
  CHECK(json.find("dags")->items().size() == 2);
}

TEST_CASE("a place in JSON outlives the value it came from") {
  auto place = [] { return parse(R"({"a": {"b": ["x"]}})").at("a").at("b"); }();
  const auto item = place.items()[0];
  place = parse("1");
  CHECK(item.string() == "x");
  CHECK(error_of(Reason::decode, [&] { item.boolean(); }) ==
        "GET /dags: a.b[0]: expected boolean, got string");
}

TEST_CASE("members are sorted by name, and the last of equal names counts") {
  std::string seen;
  const auto json = parse(R"({"c": 1, "a": 2, "c": 3, "b": null, "a": 4, "": 5})");
  for (const auto& [key, value] : json.members()) {
    seen += key + "=" + (json.find(key) ? std::to_string(value.integer()) : "null") + " ";
  }
  CHECK(seen == "=5 a=4 b=null c=3 ");
}

TEST_CASE("what is missing, null or of another type is named by its path") {
  const auto json = parse(R"({"dags": [{"id": 1, "n": null, "is paused": "x", "o": {}, "a": []}],
                              "": {"a\"b\n": 1.5}})");
  const auto dag = json.at("dags").items()[0];
  const auto odd = json.at("");
  CHECK(error_of(Reason::decode, [&] { dag.at("state"); }) == "GET /dags: dags[0].state: missing");
  CHECK(error_of(Reason::decode, [&] { dag.at("n"); }) ==
        "GET /dags: dags[0].n: expected a value, got null");
  CHECK(error_of(Reason::decode, [&] { dag.at("id").string(); }) ==
        "GET /dags: dags[0].id: expected string, got number");
  CHECK(error_of(Reason::decode, [&] { dag.at("is paused").boolean(); }) ==
        "GET /dags: dags[0][\"is paused\"]: expected boolean, got string");
  CHECK(error_of(Reason::decode, [&] { dag.at("o").items(); }) ==
        "GET /dags: dags[0].o: expected array, got object");
  CHECK(error_of(Reason::decode, [&] { dag.at("a").members(); }) ==
        "GET /dags: dags[0].a: expected object, got array");
  CHECK(error_of(Reason::decode, [&] { dag.at("a").at("x"); }) ==
        "GET /dags: dags[0].a: expected object, got array");
  CHECK(error_of(Reason::decode, [&] { dag.at("id").find("x"); }) ==
        "GET /dags: dags[0].id: expected object, got number");
  CHECK(error_of(Reason::decode, [&] { dag.at("o").number(); }) ==
        "GET /dags: dags[0].o: expected number, got object");
  CHECK(error_of(Reason::decode, [&] { odd.at("a\"b\n").boolean(); }) ==
        R"(GET /dags: [""]["a\"b\n"]: expected boolean, got number)");
  CHECK(error_of(Reason::decode, [&] { json.items(); }) == "GET /dags: expected array, got object");
  CHECK(error_of(Reason::decode, [&] { dag.fail("no such state"); }) ==
        "GET /dags: dags[0]: no such state");
  CHECK(error_of(Reason::decode, [&] { json.fail("no dags"); }) == "GET /dags: no dags");
}

TEST_CASE("a long key is cut in a path") {
  const auto json = parse("{\"" + std::string(100, 'k') + "\": 1}");
  CHECK(error_of(Reason::decode, [&] { json.members()[0].second.string(); }) ==
        "GET /dags: [\"" + std::string(40, 'k') + "...\"]: expected string, got number");
}

TEST_CASE("an integer is a number without a fraction that fits 64 bits") {
  CHECK(parse("9223372036854775807").integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(parse("-9223372036854775808").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(parse("-0").integer() == 0);
  CHECK(parse("5.0").integer() == 5);
  CHECK(parse("1e3").integer() == 1000);
  CHECK(parse("-9.223372036854775808e18").integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(error_of(Reason::decode, [] { parse("1.5").integer(); }) ==
        "GET /dags: expected integer, got fraction");
  for (const auto* text : {"9223372036854775808", "18446744073709551616", "-1e19", "1e300"}) {
    CHECK(error_of(Reason::decode, [&] { parse(text).integer(); }) ==
          "GET /dags: expected integer of 64 bits, got a larger one");
  }
  CHECK(error_of(Reason::decode, [] { parse("\"1\"").integer(); }) ==
        "GET /dags: expected integer, got string");
  CHECK(error_of(Reason::decode, [] { parse("null").integer(); }) ==
        "GET /dags: expected integer, got null");
}

TEST_CASE("a number is any JSON number") {
  CHECK(parse("18446744073709551615").number() == 18446744073709551615.0);
  CHECK(parse("-2.5e-3").number() == -0.0025);
  CHECK(parse("1e-999").number() == 0.0);
  CHECK(parse_error("1e999") == "GET /dags: a number that is too large at byte 5");
  for (const auto* text : {"NaN", "Infinity", "+1", "01", ".5", "0x10"}) {
    CAPTURE(text);
    CHECK(parse_error(text).starts_with("GET /dags: not valid JSON at byte "));
  }
}

TEST_CASE("a time that is none is not quoted") {
  CHECK(error_of(Reason::decode, [] { parse("\"hunter2\"").time(); }) ==
        "GET /dags: expected time (RFC 3339), got another string");
  CHECK(error_of(Reason::decode, [] { parse("1").time(); }) ==
        "GET /dags: expected time, got number");
}

TEST_CASE("what is not JSON is refused with its byte and without its text") {
  CHECK(parse_error("<html>hunter2") == "GET /dags: not valid JSON at byte 1");
  CHECK(parse_error("{\"a\": hunter2}") == "GET /dags: not valid JSON at byte 7");
  CHECK(parse_error("{'a': 1}") == "GET /dags: not valid JSON at byte 2");
  CHECK(parse_error("[1,]") == "GET /dags: not valid JSON at byte 4");
  CHECK(parse_error("{\"a\": 1} x") == "GET /dags: not valid JSON at byte 10");
  CHECK(parse_error("{} {}") == "GET /dags: not valid JSON at byte 4");
  CHECK(parse_error("\"a\nb\"") == "GET /dags: not valid JSON at byte 3");
  CHECK(parse_error("\"\\x\"") == "GET /dags: not valid JSON at byte 3");
  CHECK(parse_error("\"\\ud800\"") == "GET /dags: not valid JSON at byte 8");
  CHECK(parse_error("// a\n1") == "GET /dags: not valid JSON at byte 1");
}

TEST_CASE("what is cut off is refused as such") {
  const std::string whole = R"({"dags": [{"id": "a", "paused": true, "rate": 1.5, "n": null}]})";
  CHECK(parse_error(whole) == "no error");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(parse_error(whole.substr(0, size)) == "GET /dags: not valid JSON: unexpected end");
  }
}

TEST_CASE("nothing is read beyond a NUL byte, or without it") {
  CHECK(parse_error(std::string_view("{}\0x", 4)) == "GET /dags: not valid JSON at byte 3");
  CHECK(parse_error(std::string_view("{}\0", 3)) == "GET /dags: not valid JSON at byte 3");
  CHECK(parse(R"("\u0000")").string() == std::string_view("\0", 1));
}

TEST_CASE("invalid UTF-8 is refused, a byte order mark is passed over") {
  CHECK(parse_error("[\"\xFF\"]") == "GET /dags: not valid UTF-8");
  CHECK(parse_error("\"\xED\xA0\x80\"") == "GET /dags: not valid UTF-8");
  CHECK(parse("\xEF\xBB\xBF[1]").items().size() == 1);
}

TEST_CASE("JSON of 256 levels is read, and of more is refused before it costs stack") {
  auto json = parse(nested(256, "[", "]"));
  for (int i = 0; i < 256; ++i) json = json.items()[0];
  CHECK(json.integer() == 1);
  CHECK(parse_error(nested(257, "[", "]")) == "GET /dags: more than 256 levels");
  CHECK(parse_error(nested(128, "[{\"a\":", "}]")) == "no error");
  CHECK(parse_error(nested(129, "[{\"a\":", "}]")) == "GET /dags: more than 256 levels");
  CHECK(parse_error(std::string(10'000'000, '[')) == "GET /dags: more than 256 levels");
}

TEST_CASE("the values of a document are bounded, so that a large one cannot take all memory") {
  const auto parse_at_most = [](std::size_t values, std::string_view text) {
    return error_of(Reason::decode, [&] { Json::parse(text, "GET /dags", values); });
  };
  const std::string_view text = R"({"a": [1, "b", {}], "c": null})";
  CHECK(parse_at_most(6, text) == "no error");
  CHECK(parse_at_most(5, text) == "GET /dags: more than 5 values");
  std::string many = "[0";
  while (many.size() < 2 * Json::kMaxValues) many += ",0";
  CHECK(parse_error(many + "]") == "GET /dags: more than 4194304 values");
}

TEST_CASE("an object of many members is read in good time") {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i)
    text += "\"key" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  text.back() = '}';
  const auto json = parse(text);
  std::int64_t sum = 0;
  for (int i = 0; i < 100'000; ++i) sum += json.at("key" + std::to_string(i)).integer();
  CHECK(sum == 4'999'950'000);
}

TEST_CASE("the error of an item takes no longer the farther back it stands") {
  std::string text = "[";
  for (int i = 0; i < 100'000; ++i) text += "\"x\",";
  text.back() = ']';
  const auto items = parse(text).items();
  const auto time_of = [&](std::size_t first) {
    const auto start = std::clock();
    for (auto i = first; i < first + 1000; ++i) {
      REQUIRE(error_of(Reason::decode, [&] { items[i].integer(); }) ==
              "GET /dags: [" + std::to_string(i) + "]: expected integer, got string");
    }
    return std::clock() - start;
  };
  const auto at_the_front = time_of(0), at_the_back = time_of(99'000);
  CHECK(at_the_back < 10 * at_the_front);
}
