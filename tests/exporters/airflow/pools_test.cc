#include <catch2/catch.hpp>
#include <cstdio>

#include "common/base/error.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

constexpr auto has = [](const auto& text) { return Catch::Contains(std::string(text)); };

std::string request(int limit, int offset) {
  return "GET /api/v1/pools?limit=" + std::to_string(limit) + "&offset=" + std::to_string(offset);
}

std::string json(const std::string& body) {
  return reply(200, body, "Content-Type: application/json\r\n");
}

/// An Airflow 2 that returns at most `page` of its `total` pools at once; the one at `hidden` has
/// no limit, and its page gets a 500.
std::string answer_of_many(const std::string& request, std::size_t total, std::size_t hidden,
                           std::size_t page) {
  if (request.starts_with("GET /api/v1/version")) return json(R"({"version": "2.11.2"})");
  std::size_t limit = 0, offset = 0;
  if (std::sscanf(request.c_str(), "GET /api/v1/pools?limit=%zu&offset=%zu ", &limit, &offset) !=
      2) {
    return reply(404, "{}");
  }
  const auto end = std::min(total, offset + std::min(limit, page));
  if (offset <= hidden && hidden < end) return reply(500, "{}");
  std::string rows;
  for (auto at = offset; at < end; ++at) {
    rows += (rows.empty() ? "" : ",") + std::string(R"({"slots": 1, "name": ")") +
            std::to_string(at) + "\"}";
  }
  return json(R"({"pools": [)" + rows + R"(], "total_entries": )" + std::to_string(total) + "}");
}

std::size_t pools_on(const std::string& page) {
  std::size_t count = 0;
  const std::string_view family = "\nairflow_pool_slots{";
  for (auto at = page.find(family); at != page.npos; at = page.find(family, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a pool of Airflow 3 without a limit has infinitely many slots") {
  Replay airflow("3.3");
  CHECK_THAT(page_of(collector(kPools, deployment_of(airflow.url()))),
             has("airflow_pool_slots{deployment=\"prod\",pool=\"unlimited\"} +Inf\n") &&
                 has("airflow_pools_hidden{deployment=\"prod\"} 0\n"));
}

TEST_CASE(
    "a pool without a limit hides itself alone on Airflow 2, and its 500 is not asked again") {
  Replay airflow("2.11");
  airflow.set_file(request(100, 0), "pools_unlimited");
  airflow.set_file(request(1, 0), "pool_0");
  airflow.set_file(request(2, 1), "pools_unlimited");
  airflow.set_file(request(1, 1), "pool_1");
  airflow.set_file(request(1, 2), "pools_unlimited");
  airflow.set_file(request(2, 0), "pools");
  const auto collect =
      collector(kPools, deployment_of(airflow.url(), "budget: {requests_per_second: 1000}"));
  const auto check_page = [&] {
    const auto page = page_of(collect);
    CHECK_THAT(page, has("airflow_pool_slots{deployment=\"prod\",pool=\"default_pool\"} 128\n"));
    CHECK_THAT(page, has("airflow_pool_slots{deployment=\"prod\",pool=\"small\"} 1\n"));
    CHECK_THAT(page, has("airflow_pools_hidden{deployment=\"prod\"} 1\n"));
  };
  check_page();
  CHECK(airflow.count("GET /api/v1/pools?") == 5);
  SECTION("which is remembered") {
    airflow.set_json(request(2, 0), R"({"total_entries": 3, "pools": [
        {"name": "default_pool", "slots": 128}, {"name": "small", "slots": 1}]})");
    check_page();
    CHECK(airflow.count("GET /api/v1/pools?") == 6);
  }
  SECTION("until it is asked for again, and has a limit") {
    airflow.set_json(request(2, 0), R"({"total_entries": 3, "pools": [
        {"name": "default_pool", "slots": 128}, {"name": "small", "slots": 1}]})");
    airflow.set_json(request(1, 2),
                     R"({"total_entries": 3, "pools": [{"name": "c", "slots": 7}]})");
    std::string page;
    for (int run = 2; run <= 20; ++run) page = page_of(collect);
    CHECK_THAT(page, has("airflow_pools_hidden{deployment=\"prod\"} 0\n") &&
                         has("airflow_pool_slots{deployment=\"prod\",pool=\"c\"} 7\n"));
    CHECK(airflow.count("GET /api/v1/pools?") == 5 + 19 + 1);
  }
  SECTION("until the list has another length") {
    CHECK_THAT(page_of(collect), has("airflow_pools_hidden{deployment=\"prod\"} 1\n"));
    airflow.set_file(request(100, 0), "pools");
    CHECK_THAT(page_of(collect), has("airflow_pools_hidden{deployment=\"prod\"} 0\n"));
  }
}

TEST_CASE("runs that fail do not forget which pools are hidden") {
  Replay airflow("2.11");
  airflow.set_file(request(100, 0), "pools_unlimited");
  airflow.set_file(request(1, 0), "pool_0");
  airflow.set_file(request(2, 1), "pools_unlimited");
  airflow.set_file(request(1, 1), "pools_unlimited");
  airflow.set_file(request(1, 2), "refused");
  const auto collect =
      collector(kPools, deployment_of(airflow.url(), "budget: {requests_per_second: 1000}"));
  error_of(Reason::auth, [&] { page_of(collect); });
  CHECK(airflow.count("GET /api/v1/pools?") == 5);
  airflow.set_file(request(1, 2), "pool_1");
  airflow.set_file(request(1, 0), "refused");
  error_of(Reason::auth, [&] { page_of(collect); });
  CHECK(airflow.count("GET /api/v1/pools?") == 5 + 1);
  airflow.set_file(request(1, 0), "pool_0");
  CHECK_THAT(page_of(collect), has("airflow_pools_hidden{deployment=\"prod\"} 1\n"));
  CHECK(airflow.count("GET /api/v1/pools?") == 5 + 1 + 2);
}

TEST_CASE("all pools around a hidden one are read up to the most, and the others are counted") {
  const std::size_t page = GENERATE(100u, 30u);
  CAPTURE(page);
  ScriptedServer airflow(
      answer([page](const std::string& each) { return answer_of_many(each, 1050, 250, page); }));
  const auto collect =
      collector(kPools, deployment_of(airflow.url(), "budget: {requests_per_second: 1000}"));
  for (int run = 1; run <= 2; ++run) {
    CAPTURE(run);
    const auto shown = page_of(collect);
    CHECK(pools_on(shown) == 999);
    CHECK_THAT(shown, has("airflow_pools_hidden{deployment=\"prod\"} 1\n"));
    CHECK_THAT(shown, has("airflow_pools_unread{deployment=\"prod\"} 50\n"));
  }
}
