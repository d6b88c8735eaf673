#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "exporters/airflow/live_rows.h"
#include "tests/exporters/airflow/replay.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

const std::string kStates =
    "&state=running&state=queued&state=scheduled&state=deferred&state=up_for_retry"
    "&state=up_for_reschedule&state=restarting";
const std::string kRuns2 =
    "GET /api/v1/dags/~/dagRuns?limit=100&state=running&state=queued&order_by=id";
const std::string kTasks2 = "GET /api/v1/dags/~/dagRuns/~/taskInstances?limit=";
const std::string kTasks3 = "GET /api/v2/dags/~/dagRuns/~/taskInstances?limit=100" + kStates;

/// A page of the tasks [from, to).
std::string tasks(int from, int to, int total, const std::string& next = "") {
  std::string rows;
  for (int i = from; i < to; ++i) {
    rows += (rows.empty() ? "" : ",") +
            std::string(R"({"dag_id": "a", "dag_run_id": "r", "task_id": ")") + std::to_string(i) +
            R"(", "map_index": -1, "try_number": 1, "state": "queued"})";
  }
  return "{\"task_instances\": [" + rows + "], \"total_entries\": " + std::to_string(total) +
         (next.empty() ? "" : ", \"next_cursor\": \"" + next + "\"") + "}";
}

std::string runs(int from, int to, int total) {
  std::string rows;
  for (int i = from; i < to; ++i) {
    rows += (rows.empty() ? "" : ",") + std::string(R"({"dag_id": "a", "dag_run_id": ")") +
            std::to_string(i) + R"(", "run_type": "manual", "state": "queued"})";
  }
  return "{\"dag_runs\": [" + rows + "], \"total_entries\": " + std::to_string(total) + "}";
}

template <class Set>
Set read(Set (*read_set)(Deployment&, Samples&, const Deadline&), Replay& airflow) {
  const auto deployment = deployment_of(airflow.url(), "budget: {requests_per_second: 1000}");
  Samples samples;
  return read_set(*deployment, samples, Deadline::in(std::chrono::minutes(5)));
}

}  // namespace

TEST_CASE("more live task instances than a page are read by cursor, beginning again") {
  Replay airflow("3.3");
  airflow.set_json(kTasks3, tasks(0, 100, 150));
  airflow.set_json(kTasks3 + "&cursor=", tasks(0, 100, 150, "x+1"));
  airflow.set_json(kTasks3 + "&cursor=x%2B1", tasks(100, 150, 150));
  CHECK(read(read_live_tasks, airflow).rows.size() == 150);
}

TEST_CASE("an Airflow 3 without cursors is read by pages that overlap") {
  Replay airflow("3.3");
  airflow.set_json(kTasks3, tasks(0, 100, 150));
  airflow.set_json(kTasks3 + "&cursor=", tasks(0, 100, 150));
  airflow.set_json(kTasks3 + "&offset=90", tasks(90, 150, 150));
  CHECK(read(read_live_tasks, airflow).rows.size() == 150);
}

TEST_CASE("Airflow 2 gives all live task instances at once") {
  Replay airflow("2.11");
  airflow.set_json(kTasks2 + "100" + kStates, tasks(0, 100, 150));
  airflow.set_json(kTasks2 + "250" + kStates, tasks(0, 150, 150));
  CHECK(read(read_live_tasks, airflow).rows.size() == 150);
}

TEST_CASE("live task instances that Airflow 2 cannot give at once are read page by page") {
  Replay airflow("2.11");
  airflow.set_json(kTasks2 + "100" + kStates, tasks(0, 100, 150));
  airflow.set_json(kTasks2 + "250" + kStates, "{");
  airflow.set_json(kTasks2 + "100" + kStates + "&offset=90", tasks(90, 150, 150));
  CHECK(read(read_live_tasks, airflow).rows.size() == 150);
}

TEST_CASE("a run that ends between two pages of Airflow 2 hides no other") {
  Replay airflow("2.11");
  airflow.set_json(kRuns2, runs(0, 100, 150));
  // Three runs have ended: offset 90 has the run that was at 93.
  airflow.set_json(kRuns2 + "&offset=90", runs(93, 150, 147));
  CHECK(read(read_live_runs, airflow).rows.size() == 150);
}

TEST_CASE("a live run that Airflow cannot describe is left out alone, and fails the collector") {
  const std::string fault =
      GENERATE(reply(500, ""), reply(200, "{", "Content-Type: application/json\r\n"));
  Replay airflow("2.11");
  const auto at = [](int offset, int limit) {
    return "GET /api/v1/dags/~/dagRuns?limit=" + std::to_string(limit) +
           "&state=running&state=queued&order_by=id&offset=" + std::to_string(offset);
  };
  airflow.set(kRuns2, fault);
  airflow.set_json(at(1'000'000'000, 1), runs(0, 0, 5));
  airflow.set_json(at(0, 2), runs(0, 2, 5));
  airflow.set(at(2, 3), fault);
  airflow.set(at(2, 1), fault);
  airflow.set_json(at(3, 2), runs(3, 5, 5));
  const auto deployment = deployment_of(airflow.url(), "budget: {requests_per_second: 1000}");
  Samples samples;
  const auto live = read_live_runs(*deployment, samples, Deadline::in(std::chrono::minutes(5)));
  CHECK(live.rows.size() == 4);
  REQUIRE(samples.failure());
  CHECK_THAT(samples.failure()->what(), Catch::Contains("/dags/~/dagRuns"));
}

TEST_CASE("finished runs count although the live tasks cannot be read") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url(), "budget: {requests_per_second: 1000}");
  const auto collect = collector(kRuns, deployment);
  airflow.set("GET /api/v2/dags/~/dagRuns/~/taskInstances?*", reply(500, ""));
  airflow.set(kTasks3, reply(500, ""));
  Samples samples;
  collect(samples, Deadline::in(std::chrono::minutes(5)));
  REQUIRE(samples.failure());
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, Catch::Contains("\nairflow_runs_read_timestamp_seconds{deployment=\"prod\"}"));
}

TEST_CASE("what is beyond the most rows is counted") {
  Replay airflow("2.11");
  airflow.set_json(kTasks2 + "100" + kStates, tasks(0, 100, 12'000));
  airflow.set_json(kTasks2 + "10000" + kStates, tasks(0, 10'000, 12'000));
  const auto live = read(read_live_tasks, airflow);
  CHECK(live.rows.size() == kMostLive);
  CHECK(live.unread == 2000);
}

TEST_CASE("a right that is missing for one list costs that list") {
  Replay airflow("3.3");
  airflow.set_file(kTasks3, "forbidden");
  const auto deployment = deployment_of(airflow.url());
  Samples samples;
  collector(kRuns, deployment)(samples, Deadline::in(std::chrono::minutes(5)));
  REQUIRE(samples.failure());
  CHECK(samples.failure()->reason() == Reason::auth);
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, Catch::Contains(
                       "airflow_runs{deployment=\"prod\",dag_id=\"slow\",state=\"running\"} 1\n"));
}

TEST_CASE("live runs stay on the page if they cannot be read once more") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  const auto collect = collector(kRuns, deployment);
  const auto check = [&](bool fails) {
    Samples samples;
    collect(samples, Deadline::in(std::chrono::minutes(5)));
    CHECK(samples.failure().has_value() == fails);
    std::string page;
    samples.render(Format::text, page);
    CHECK_THAT(page, Catch::Contains("airflow_runs{"));
    CHECK_THAT(page, Catch::Contains("airflow_task_instances{"));
  };
  check(false);
  airflow.set_json(kTasks3, "{");
  check(true);
}
