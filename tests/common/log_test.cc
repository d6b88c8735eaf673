#include "common/base/log.h"

#include <catch2/catch.hpp>

#include "common/base/error.h"

using namespace exporter;

namespace {
constexpr auto kTime = "2026-01-02T03:04:05.678Z";
}

TEST_CASE("a log line quotes what logfmt must quote") {
  CHECK(log::format_line(log::Format::logfmt, log::Level::warn, kTime, "collector failed",
                         {{"collector", "cpu"},
                          {"error", "a \"b\"\nc\x01\xff"},
                          {"empty", ""},
                          {"seconds", 0.25},
                          {"count", std::int64_t{3}},
                          {"tls", true}}) ==
        "ts=2026-01-02T03:04:05.678Z level=warn msg=\"collector failed\" collector=cpu "
        "error=\"a \\\"b\\\"\\nc\\u0001\xef\xbf\xbd\" empty=\"\" seconds=0.25 count=3 tls=true");
}

TEST_CASE("a text that is too long is cut behind a whole character") {
  const auto line = [](const std::string& text) {
    return log::format_line(log::Format::logfmt, log::Level::warn, kTime, "x", {{"error", text}});
  };
  const std::string most(4095, 'a'), start = "ts=2026-01-02T03:04:05.678Z level=warn msg=x error=";
  CHECK(line(most + "b") == start + most + "b");
  CHECK(line(most + "bc") == start + most + "b...");
  CHECK(line(most + "\xc3\xa9" + most) == start + most + "...");
}

TEST_CASE("a JSON log line is one object") {
  CHECK(log::format_line(log::Format::json, log::Level::error, kTime, "x",
                         {{"path", "a=b"}, {"nan", 0.0 / 0.0}}) ==
        R"({"ts":"2026-01-02T03:04:05.678Z","level":"error","msg":"x","path":"a=b","nan":"NaN"})");
}

TEST_CASE("levels and formats are known by name") {
  CHECK(log::parse_level("debug") == log::Level::debug);
  CHECK(log::parse_format("json") == log::Format::json);
  CHECK_THROWS_WITH(log::parse_level("loud"),
                    "log level \"loud\" is none of debug info warn error");
  CHECK_THROWS_WITH(log::parse_format("xml"), "log format \"xml\" is none of logfmt json");
}
