#include "common/config/json_object.h"

#include <catch2/catch.hpp>
#include <limits>

#include "common/config/json.h"

using namespace exporter;

TEST_CASE("a JSON object is written as it is read") {
  JsonObject inner;
  inner.add("text", "a \"quoted\" \\ line\n\x01 \u00e9");
  JsonObject object;
  object.add("inner", inner);
  object.add("list", std::vector{inner, JsonObject()});
  object.add("none", std::vector<JsonObject>());
  object.add("number", 0.1);
  object.add("count", std::numeric_limits<std::int64_t>::max());
  object.add("yes", true);
  object.add("absent", std::optional<double>());
  object.add("there", std::optional<bool>(false));
  CHECK(object.text() == R"({"inner":{"text":"a \"quoted\" \\ line\n\u0001 é"},)"
                         R"("list":[{"text":"a \"quoted\" \\ line\n\u0001 é"},{}],"none":[],)"
                         R"("number":0.1,"count":9223372036854775807,"yes":true,"there":false})");
  const auto read = Json::parse(object.text(), "it");
  CHECK(read.at("inner").at("text").string() == "a \"quoted\" \\ line\n\x01 \u00e9");
  CHECK(read.at("list").items().size() == 2);
  CHECK(read.at("count").integer() == std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(read.at("there").boolean());
}

TEST_CASE("a list of texts is written as it is read") {
  JsonObject object;
  object.add("none", std::vector<std::string>());
  object.add("some", std::vector<std::string>{"a", "\"q\"\n"});
  CHECK(object.text() == R"({"none":[],"some":["a","\"q\"\n"]})");
}

TEST_CASE("what is not UTF-8 is replaced in a JSON object") {
  JsonObject object;
  object.add("a", "x\xffy");
  CHECK(object.text() == "{\"a\":\"x\uFFFDy\"}");
}
