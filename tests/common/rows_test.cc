#include "common/app/rows.h"

#include <catch2/catch.hpp>

#include "tests/support/error_of.h"

using namespace exporter;

namespace {

constexpr auto kWaiting = gauge("demo_waiting", "Jobs that wait.", "queue");

void read(const std::string& rows, Samples& samples) {
  read_rows(Json::parse(rows, "GET /queues"), samples, [&](const Json& row) {
    const auto name = row.at("name").string();
    samples.add(kWaiting, row.at("waiting").number(), name);
  });
}

}  // namespace

TEST_CASE("a malformed row is left out and noted") {
  Samples samples;
  read(R"([{"name": "a", "waiting": 1}, {"name": "b"}, 7, {"name": "c", "waiting": 2}])", samples);
  std::string page;
  samples.render(Format::text, page);
  CHECK(page ==
        "# HELP demo_waiting Jobs that wait.\n# TYPE demo_waiting gauge\n"
        "demo_waiting{queue=\"a\"} 1\ndemo_waiting{queue=\"c\"} 2\n");
  CHECK(samples.first_malformed_row() == "GET /queues: [1].waiting: missing");
}

TEST_CASE("good rows and no rows are nothing to note") {
  Samples samples;
  read(R"([{"name": "a", "waiting": 1}])", samples);
  read("[]", samples);
  CHECK(samples.first_malformed_row().empty());
}

TEST_CASE("rows of which none can be read are an error") {
  Samples samples;
  CHECK(error_of(Reason::decode, [&] { read(R"([{"waiting": 1}, {}])", samples); }) ==
        "GET /queues: [0].name: missing");
  CHECK(error_of(Reason::decode, [&] { read(R"({"name": "a"})", samples); }) ==
        "GET /queues: expected array, got object");
}

TEST_CASE("the rows of several pages are of one list") {
  Samples samples;
  ListRows rows(samples);
  const auto take = [&](const std::string& page) {
    return rows.take(Json::parse(page, "it"), [](const Json& row) { row.integer(); });
  };
  CHECK(take("[7, 8]") == 2);
  CHECK_FALSE(rows.has_left_out());
  CHECK(take("[null]") == 1);
  CHECK_NOTHROW(rows.check());
  CHECK(rows.has_left_out());
  CHECK(samples.first_malformed_row() == "it: [0]: expected integer, got null");
}

TEST_CASE("another error of a row is one of all rows") {
  Samples samples;
  const auto fail = [](const Json&) { throw Error(Reason::io, "the disk is full"); };
  CHECK(error_of(Reason::io, [&] { read_rows(Json::parse("[1, 2]", "it"), samples, fail); }) ==
        "the disk is full");
}
