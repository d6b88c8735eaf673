#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "common/base/time.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

constexpr auto has = [](const auto& text) { return Catch::Contains(std::string(text)); };
const std::string kAssets3 = "GET /api/v2/assets?limit=100&offset=0";
const std::string kEvents3 =
    "GET /api/v2/assets/events?order_by=timestamp&limit=100&offset=0&timestamp_gte=*";
const std::string kAssets2 = "GET /api/v1/datasets?limit=100&offset=0";
const std::string kEvents2 = "GET /api/v1/datasets/events?order_by=-timestamp&limit=100&offset=0";
const std::string kJobs3 =
    "GET /api/v2/jobs?is_alive=true&job_state=running&order_by=-latest_heartbeat&limit=100&offset=";

/// A time relative to now, because events before the first start do not count.
std::string in_seconds(int seconds) {
  return format_rfc3339(std::chrono::floor<std::chrono::milliseconds>(Ledger::wall_clock()) +
                        std::chrono::seconds(seconds));
}

std::string event(int id, const std::string& asset, const std::string& time) {
  return R"({"id": )" + std::to_string(id) + R"(, "name": ")" + asset + R"(", "dataset_uri": ")" +
         asset + R"(", "timestamp": ")" + time + "\"}";
}

std::string list(const std::string& key, const std::string& rows, int total) {
  return "{\"" + key + "\": [" + rows + "], \"total_entries\": " + std::to_string(total) + "}";
}

std::string page_with_failure(const CollectFunction& collect) {
  Samples samples;
  collect(samples, Deadline::in(std::chrono::minutes(5)));
  CHECK(samples.failure());
  std::string page;
  samples.render(Format::text, page);
  return page;
}

std::string count_of(const std::string& asset) {
  return "airflow_asset_events_total{deployment=\"prod\",asset=\"" + asset + "\"} ";
}

}  // namespace

TEST_CASE("each event of an asset counts once, also after a restart") {
  const TemporaryDirectory directory;
  const bool is_v1 = GENERATE(true, false);
  CAPTURE(is_v1);
  Replay airflow(is_v1 ? "2.11" : "3.3");
  const auto& request = is_v1 ? kEvents2 : kEvents3;
  const std::string key = is_v1 ? "dataset_events" : "asset_events";
  const std::string asset = "demo://warehouse/orders";
  airflow.set_json(request, list(key, "", 0));
  const auto first = event(1, asset, in_seconds(1)), second = event(2, asset, in_seconds(2));
  {
    const auto deployment = deployment_of(airflow.url(), "username: a, password: b",
                                          std::make_shared<Ledgers>(directory.path()));
    const auto collect = collector(kAssets, deployment);
    CHECK_THAT(page_of(collect), has(count_of(asset) + "0\n"));
    airflow.set_json(request, list(key, first, 1));
    for (int run = 0; run < 2; ++run) CHECK_THAT(page_of(collect), has(count_of(asset) + "1\n"));
  }
  airflow.set_json(request, list(key, second + "," + first, 2));
  const auto deployment = deployment_of(airflow.url(), "username: a, password: b",
                                        std::make_shared<Ledgers>(directory.path()));
  CHECK_THAT(page_of(collector(kAssets, deployment)), has(count_of(asset) + "2\n"));
}

TEST_CASE("an event that Airflow cannot describe costs itself alone, and fails the collector") {
  Replay airflow("3.3");
  const auto at = [](int offset, int limit) {
    return "GET /api/v2/assets/events?order_by=timestamp&limit=" + std::to_string(limit) +
           "&offset=" + std::to_string(offset) + "&timestamp_gte=*";
  };
  airflow.set(kEvents3, reply(500, ""));
  airflow.set_json(at(1'000'000'000, 1), list("asset_events", "", 3));
  airflow.set_json(at(0, 1), list("asset_events", event(1, "x", in_seconds(1)), 3));
  airflow.set(at(1, 1), reply(500, ""));
  airflow.set_json(at(2, 1), list("asset_events", event(3, "y", in_seconds(2)), 3));
  const auto page = page_with_failure(
      collector(kAssets, deployment_of(airflow.url(), "budget: {requests_per_second: 1000}")));
  CHECK_THAT(page, has(count_of("x") + "1\n") && has(count_of("y") + "1\n"));
  CHECK_THAT(page, has("airflow_asset_events_read_timestamp_seconds"));
}

TEST_CASE("an asset of a database is joined to its table, and goes when it is gone") {
  Replay airflow("3.3");
  airflow.set_json(kAssets3, list("assets", R"({"name": "o\"\n\u00fc", "group": "asset",
      "uri": "snowflake://account/SHOP/PUBLIC/ORDERS",
      "last_asset_event": {"id": null, "timestamp": null}}, {"name": 7}, {"name": "x"})",
                                  3));
  airflow.set_json(kEvents3, list("asset_events", event(1, "x", in_seconds(1)), 1));
  const auto page = page_of(collector(kAssets, deployment_of(airflow.url())));
  CHECK_THAT(page,
             has("airflow_asset_info{deployment=\"prod\",asset=\"o\\\"\\nü\",uri=\"snowflake://"
                 "account/SHOP/PUBLIC/ORDERS\",dataset=\"shop.public.orders\",group=\"asset\"} "
                 "1\n"));
  CHECK_THAT(page,
             has(count_of("x") + "1\n") && has("airflow_assets_unread{deployment=\"prod\"} 0"));
  CHECK_THAT(page, !has("airflow_asset_last_event_timestamp_seconds"));
}

TEST_CASE("tasks that update an asset are named, of DAGs that are shown") {
  Replay airflow("3.3");
  const std::string task = R"({"dag_id": "DAG", "task_id": "load"})";
  const auto of = [&](const std::string& dag) { return std::string(task).replace(12, 3, dag); };
  airflow.set_json(kAssets3, list("assets",
                                  R"({"name": "orders", "uri": "postgres://db/shop/public/orders",
      "group": "asset", "producing_tasks": [)" +
                                      of("load_orders") + "," + of("hidden") + "]}",
                                  1));
  const auto page = page_of(collector(
      kAssets, deployment_of(airflow.url(), "username: a, password: b, dag_exclude: hidden")));
  CHECK_THAT(page, has("airflow_asset_producer_info{deployment=\"prod\",asset=\"orders\",dataset="
                       "\"shop.public.orders\",dag_id=\"load_orders\",task_id=\"load\"} 1\n") &&
                       !has("dag_id=\"hidden\""));
  CHECK_THAT(page, has("airflow_asset_producers_hidden{deployment=\"prod\"} 0\n"));
}

TEST_CASE("at most 10,000 tasks that update assets are named, and the rest is counted") {
  Replay airflow("3.3");
  std::string tasks = R"({"dag_id": "d", "task_id": "0"})";
  for (int i = 1; i < 10'002; ++i) {
    tasks += R"(,{"dag_id": "d", "task_id": ")" + std::to_string(i) + "\"}";
  }
  airflow.set_json(kAssets3, list("assets", R"({"name": "a", "uri": "demo://a", "group": "asset",
      "producing_tasks": [)" + tasks + "]}",
                                  1));
  const auto page = page_of(collector(kAssets, deployment_of(airflow.url())));
  CHECK_THAT(page, has("task_id=\"9999\"") && !has("task_id=\"10000\"") &&
                       has("airflow_asset_producers_hidden{deployment=\"prod\"} 2\n"));
}

TEST_CASE("the last event of a dataset of Airflow 2 is that of its newest event") {
  Replay airflow("2.11");
  const auto page = page_of(collector(kAssets, deployment_of(airflow.url())));
  CHECK_THAT(page, has("airflow_asset_last_event_timestamp_seconds{deployment=\"prod\",asset="
                       "\"demo://warehouse/orders\"} 1795836551.393773\n"));
}

TEST_CASE("what cannot be read of assets costs itself") {
  Replay airflow("3.3");
  const auto collect = collector(kAssets, deployment_of(airflow.url()));
  const std::string long_name(1025, 'a');
  airflow.set_json(kEvents3, list("asset_events",
                                  "7, {\"id\": 3}," + event(1, long_name, in_seconds(1)) + "," +
                                      event(2, "b", in_seconds(1)),
                                  4));
  CHECK_THAT(page_of(collect), has(count_of("b") + "1\n") && !has(long_name));
  SECTION("a list that is refused") {
    airflow.set_file(kEvents3, "forbidden");
    CHECK_THAT(page_with_failure(collect), has(count_of("b") + "1\n") && has("airflow_asset_info"));
  }
  SECTION("an answer that was cut") {
    airflow.set_json(kEvents3, R"({"asset_events": [{"id": 4)");
    CHECK_THAT(page_with_failure(collect), has(count_of("b") + "1\n"));
  }
}

TEST_CASE("jobs that live are counted by component, those beyond a page too") {
  Replay airflow("3.3");
  const auto job = [](const std::string& type) { return "{\"job_type\": \"" + type + "\"}"; };
  std::string schedulers = job("SchedulerJob");
  for (int i = 1; i < 100; ++i) schedulers += "," + job("SchedulerJob");
  airflow.set_json(kJobs3 + "0", list("jobs", schedulers, 1000));
  airflow.set_json(
      kJobs3 + "100",
      list("jobs", job("TriggererJob") + "," + job("TriggererJob") + ",7," + job("LocalTaskJob"),
           1000));
  const auto page = page_of(collector(kJobs, deployment_of(airflow.url())));
  const std::string family = "airflow_component_jobs{deployment=\"prod\",component=";
  CHECK_THAT(page, has(family + "\"scheduler\"} 100\n") && has(family + "\"triggerer\"} 2\n") &&
                       has(family + "\"dag_processor\"} 0\n"));
  CHECK_THAT(page, !has("LocalTaskJob"));
}

TEST_CASE("Airflow 2 is not asked for jobs") {
  Replay airflow("2.11");
  CHECK_THAT(page_of(collector(kJobs, deployment_of(airflow.url()))),
             !has("airflow_component_jobs{"));
  CHECK(airflow.count("GET /api/v1/jobs") == 0);
}

TEST_CASE(
    "an event from when the clock was ahead is the last one of its asset until another comes") {
  const bool is_v1 = GENERATE(true, false);
  CAPTURE(is_v1);
  Replay airflow(is_v1 ? "2.11" : "3.3");
  const std::string asset = "demo://warehouse/orders";
  const auto times = std::vector{in_seconds(1), in_seconds(400 * 86'400), in_seconds(2)};
  const auto set_events = [&](std::vector<int> numbers) {  // in the order of their times
    if (is_v1) std::ranges::reverse(numbers);
    std::string rows;
    for (const auto number : numbers) {
      rows += (rows.empty() ? "" : ",") +
              event(number, asset, times.at(static_cast<std::size_t>(number)));
    }
    airflow.set_json(is_v1 ? kEvents2 : kEvents3, list(is_v1 ? "dataset_events" : "asset_events",
                                                       rows, static_cast<int>(numbers.size())));
  };
  if (!is_v1) {
    airflow.set_json(
        kAssets3, list("assets",
                       R"({"id": 1, "name": ")" + asset + R"(", "uri": ")" + asset +
                           R"(", "last_asset_event": {"id": 1, "timestamp": ")" + times[1] + "\"}}",
                       1));
  }
  set_events({});
  auto ledgers = std::make_shared<Ledgers>("");
  const auto deployment = deployment_of(airflow.url(), "username: a, password: b", ledgers);
  std::optional collect = collector(kAssets, deployment);
  const auto is_last = [&](int number) {
    const auto time = parse_rfc3339(times.at(static_cast<std::size_t>(number)));
    std::string value;
    append_value(value, std::chrono::duration<double>(time->time_since_epoch()).count());
    const auto line = "airflow_asset_last_event_timestamp_seconds{deployment=\"prod\",asset=\"" +
                      asset + "\"} " + value + '\n';
    for (int look = 0; look < 2; ++look) CHECK_THAT(page_of(*collect), has(line));
  };
  if (is_v1) page_of(*collect);  // its list of assets does not say when they were updated
  set_events({0});
  if (is_v1) is_last(0);
  set_events({0, 1});
  is_last(1);
  set_events({0, 2, 1});
  is_last(2);
  collect = collector(kAssets, deployment);
  is_last(2);
}
