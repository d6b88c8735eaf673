#include "common/config/json_stream.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/support/error_of.h"

using namespace exporter;

namespace {

constexpr std::string_view kNodeKeys[] = {"name", "config.severity", "tags", "depends_on.*.id"};
constexpr JsonRecord kRecords[] = {{"metadata"}, {"nodes.*", kNodeKeys}, {"results.*", kNodeKeys}};

/// The value as JSON on one line.
std::string written(const Json& json);

/// All records in their order, read in pieces of that many bytes.
std::string read(std::string_view text, std::size_t piece = 1u << 20) {
  std::string taken;
  JsonStream stream(kRecords, "manifest.json", [&](const JsonStream::Record& record) {
    taken += std::to_string(record.index()) + ' ' + record.name() + ' ' + written(record.read());
    taken += '\n';
  });
  for (std::size_t at = 0; at < text.size(); at += piece) stream.feed(text.substr(at, piece));
  stream.finish();
  return taken;
}

std::string written(const Json& json) {
  std::string text;
  if (json.is_array()) {
    for (const auto& item : json.items()) text += written(item) + ' ';
    return "[ " + text + ']';
  }
  if (json.is_object()) {
    for (const auto& [key, value] : json.members()) text += key + ": " + written(value) + ' ';
    return "{ " + text + '}';
  }
  if (json.is_string()) return json.string();
  return json.is_number() ? std::to_string(json.integer()) : "other";
}

std::string read_error(std::string_view text) {
  return error_of(Reason::decode, [&] { read(text); });
}

constexpr std::string_view kDocument = R"(
  {"metadata": {"version": 12, "env": {"A": "b\"}"}, "list": [1, [], {}, [2, {"a": null}]]},
   "macros": {"m": {"sql": "{{ \"}]\" }} \\", "name": "no", "n": [NaN, -Infinity, 1e5, {"a": []}]}},
   "nodes": {"model.a": {"sql": "select '}'", "name": "a", "config": {"x": 1, "severity": "warn"},
                         "tags": ["t\u0041", "[", "u"], "depends_on": [{"id": 7, "of": 8}, {}]},
             "t\u00e9st": {"config": {"severity": null}, "tags": [], "name": {"any": [true]}},
             "none": null, "number": 5, "empty": {"sql": ""}},
   "results": [{"name": "r0", "more": [{"name": "no"}]}, {"name": "r1"}],
   "nodes_too": {"name": "no"}}
)";
constexpr std::string_view kTaken =
    "0 metadata { env: { A: b\"} } list: [ 1 [ ] { } [ 2 { a: other } ] ] version: 12 }\n"
    "1 model.a { config: { severity: warn } depends_on: [ { id: 7 } { } ] name: a "
    "tags: [ tA [ u ] }\n"
    "1 tést { config: { severity: other } name: { any: [ other ] } tags: [ ] }\n"
    "1 none other\n"
    "1 number 5\n"
    "1 empty { }\n"
    "2  { name: r0 }\n"
    "2  { name: r1 }\n";

}  // namespace

TEST_CASE("the records of a JSON document come one by one, with what was asked for and no more") {
  CHECK(read(kDocument) == kTaken);
}

TEST_CASE("a JSON document may be cut into pieces anywhere") {
  for (std::size_t piece = 1; piece < 70; ++piece) {
    CAPTURE(piece);
    CHECK(read(kDocument, piece) == kTaken);
  }
}

TEST_CASE("the whole document can be one record") {
  constexpr JsonRecord kWhole[] = {{""}};
  std::string taken;
  JsonStream stream(kWhole, "x", [&](const JsonStream::Record& record) {
    taken += record.name() + written(record.read());
  });
  stream.feed(R"({"a": [1, "b"]})");
  stream.finish();
  CHECK(taken == "{ a: [ 1 b ] }");
}

TEST_CASE("a JSON document that is cut short is never taken for whole") {
  for (std::size_t size = 0; size + 2 < kDocument.size(); ++size) {
    CAPTURE(size);
    CHECK(read_error(kDocument.substr(0, size)) == "manifest.json: not valid JSON: unexpected end");
  }
}

TEST_CASE("an error in a record names its path") {
  const auto type_error = [](std::string_view text) {
    return error_of(Reason::decode, [&] {
      JsonStream stream(kRecords, "manifest.json", [](const JsonStream::Record& record) {
        record.read().at("config").at("severity").string();
      });
      stream.feed(text);
    });
  };
  CHECK(type_error(R"({"nodes": {"model.a": {"config": {"severity": 7}}}})") ==
        R"(manifest.json: nodes["model.a"]: config.severity: expected string, got number)");
  CHECK(type_error(R"({"results": [{"config": {"severity": "warn"}}, {"config": 7}]})") ==
        "manifest.json: results[1]: config: expected object, got number");
  CHECK(type_error(R"({"metadata": {}})") == "manifest.json: metadata: config: missing");
  CHECK(type_error(R"({"nodes": {"a": {"name": 01}}})") ==
        "manifest.json: nodes.a: not valid JSON at byte 10");
}

TEST_CASE("a path of records leads through objects and arrays, or ends at null") {
  CHECK(read(R"({"nodes": null, "results": {}, "macros": 7})").empty());
  CHECK(read_error(R"({"nodes": "none"})") ==
        "manifest.json: nodes: expected an object or an array at byte 11");
  CHECK(read_error(R"({"results": 7})") ==
        "manifest.json: results: expected an object or an array at byte 13");
  CHECK(read_error("true") == "manifest.json: expected an object or an array at byte 1");
}

TEST_CASE("what is no JSON is refused with its byte") {
  for (const auto& [text, byte] : std::initializer_list<std::pair<std::string_view, int>>{
           {"<html>", 1},
           {R"({"a": })", 7},
           {R"({"a" 1})", 6},
           {R"({"a": 1 2})", 9},
           {R"({"a": 1, })", 10},
           {R"({"a": [1, ]})", 11},
           {R"({"a": [1}})", 9},
           {R"({"a": {]})", 8},
           {R"({"a": {"b": 1]})", 14},
           {R"({a: 1})", 2},
           {R"({} {})", 4},
           {"}", 1},
           {"]", 1},
           {std::string_view("{\0}", 3), 2},
       }) {
    CAPTURE(text);
    CHECK(read_error(text) == "manifest.json: not valid JSON at byte " + std::to_string(byte));
  }
}

TEST_CASE("nesting, names and records of a JSON document are bounded") {
  std::string deep = R"({"macros": )" + std::string(1000, '[');
  CHECK(read_error(deep) == "manifest.json: more than 256 levels at byte 267");
  deep = R"({"metadata": )" + std::string(1000, '[');
  CHECK(read_error(deep) == "manifest.json: more than 256 levels at byte 269");

  const std::string large(JsonStream::kMaxRecord, 'x');
  const auto size_error = [&](const std::string& text) {
    const auto error = read_error(text);
    return error.substr(0, error.find(" at byte"));
  };
  CHECK(read_error(R"({"metadata": ")" + large + "\"}") ==
        "manifest.json: metadata: larger than 16 MiB");
  CHECK(read_error(R"({"metadata": [)" + large.substr(1) + "1]}") ==
        "manifest.json: metadata: larger than 16 MiB");
  CHECK(size_error(R"({"nodes": {")" + large + "\": 1}}") ==
        "manifest.json: a name longer than 64 KiB");
  CHECK(read(R"({"macros": {")" + large + "\": \"" + large + "\"}}").empty());
}

TEST_CASE("invalid UTF-8 in a record is an error, elsewhere it is passed over") {
  CHECK(read("{\"macros\": \"\xFF\"}").empty());
  CHECK(read_error("{\"metadata\": \"\xFF\"}") == "manifest.json: metadata: not valid UTF-8");
  CHECK(read("{\"macros\": {\"\xFF\": 1}}").empty());
  CHECK(read("{\"\xFF\": 1, \"nodes\": {\"a\": {\"\xFF\": 1, \"name\": 2}}}") ==
        "1 a { name: 2 }\n");
  CHECK(read_error("{\"nodes\": {\"\xFF\": 1}}") ==
        "manifest.json: nodes[\"\xEF\xBF\xBD\"]: its name: not valid UTF-8");
  CHECK(read_error("{\"nodes\": {\"\n\": 1}}") ==
        R"(manifest.json: nodes["\n"]: its name: not valid JSON at byte 2)");
}

TEST_CASE("a record that cannot be read costs itself, not those before and after it") {
  const auto read_on = [](std::string_view bad) {
    std::string taken;
    JsonStream stream(kRecords, "results.json", [&](const JsonStream::Record& record) {
      try {
        taken += written(record.read()) + '\n';
      } catch (const Error& error) {
        taken += std::string(error.what()) + '\n';
      }
    });
    const auto text = R"({"results": [{"name": "before"}, {"name": )" + std::string(bad) +
                      R"(}, {"name": "after"}], "metadata": "too"})";
    for (const char c : text) stream.feed({&c, 1});
    stream.finish();
    return taken;
  };
  const auto with = [](const std::string& error) {
    return "{ name: before }\nresults.json: results[1]: " + error + "\n{ name: after }\ntoo\n";
  };
  // Python's json.dumps writes all but the last three.
  CHECK(read_on("NaN") == with("not valid JSON at byte 9"));
  CHECK(read_on("Infinity") == with("not valid JSON at byte 9"));
  CHECK(read_on("-Infinity") == with("not valid JSON at byte 10"));
  CHECK(read_on(R"("\ud800")") == with("not valid JSON at byte 16"));
  CHECK(read_on("1e999") == with("a number that is too large at byte 13"));
  CHECK(read_on("\"\xFF\"") == with("not valid UTF-8"));
  CHECK(read_on("[" + std::string(JsonStream::kMaxRecord, ' ') + "\"" +
                std::string(JsonStream::kMaxRecord, 'x') + "\", [1], {\"a\": 1}]") ==
        with("larger than 16 MiB"));
}

TEST_CASE("a record with a name that is not valid costs itself") {
  std::string taken;
  JsonStream stream(kRecords, "x", [&](const JsonStream::Record& record) {
    taken += record.name();
    try {
      taken += " " + written(record.read()) + '\n';
    } catch (const Error& error) {
      taken += std::string(" ") + error.what() + '\n';
    }
  });
  stream.feed(R"({"nodes": {"a": 1, "\ud800": {"name": "lost"}, "b": 2}, "\ud800": 1})");
  stream.finish();
  CHECK(taken ==
        "a 1\n"
        R"(\ud800 x: nodes["\\ud800"]: its name: not valid JSON at byte 8)"
        "\nb 2\n");
}

TEST_CASE("the values of a record are bounded") {
  std::string many = "{\"metadata\": [0";
  while (many.size() < 2 * JsonStream::kMaxRecordValues + 20) many += ",0";
  CHECK(read_error(many + "]}") == "manifest.json: metadata: more than 1048576 values");
}
