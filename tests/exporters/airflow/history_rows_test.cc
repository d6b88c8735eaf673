#include <algorithm>
#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "exporters/airflow/history.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

namespace {

/// A replay of one version, and the requests sent to it.
struct Asked {
  explicit Asked(const std::string& version_)
      : version(version_), airflow(version_), deployment(deployment_of(airflow.url())) {}

  /// The path below the API of the version.
  std::string path(const std::string& rest) const {
    return (version == "2.11" ? "/api/v1" : "/api/v2") + rest;
  }
  std::string last_request() const {
    const auto all = airflow.requests();
    return all.back().substr(0, all.back().find(" HTTP/"));
  }

  const std::string version;
  Replay airflow;
  std::shared_ptr<Deployment> deployment;
  Samples samples;
  const Deadline deadline = Deadline::in(1min);
};

Time at(int hour, int minute, int second) {
  return Time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 28)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + std::chrono::seconds(second);
}

}  // namespace

TEST_CASE("finished runs are asked for by a closed slice of their changes, in milliseconds") {
  Asked asked(GENERATE("2.11", "3.3"));
  CAPTURE(asked.version);
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const bool is_airflow3 = asked.version == "3.3";
  CHECK(history.has_due_filter == is_airflow3);
  CHECK(history.most_requests == (is_airflow3 ? 60 : 15));  // for 30 seconds
  Slice slice{at(3, 0, 0), at(3, 1, 0) + 500ms, {}};
  if (is_airflow3) {
    slice.due_from = at(2, 0, 0);
    slice.due_to = at(2, 30, 0);
  }
  const auto page = history.changed_runs(slice, 100);
  CHECK(asked.last_request() == "GET " +
                                    asked.path("/dags/~/dagRuns?state=success&state=failed"
                                               "&updated_at_gte=2026-11-28T03%3A00%3A00.000Z"
                                               "&updated_at_lte=2026-11-28T03%3A01%3A00.500Z") +
                                    (is_airflow3 ? "&run_after_gte=2026-11-28T02%3A00%3A00.000Z"
                                                   "&run_after_lte=2026-11-28T02%3A30%3A00.000Z"
                                                 : "") +
                                    "&order_by=id&limit=100&offset=100");
  CHECK(page.received == page.rows.size());
  CHECK(page.total == page.received);
  CHECK(history.some_changed(slice, 7, 3).received == page.received);
  CHECK_THAT(asked.last_request(), Catch::EndsWith("&order_by=id&limit=3&offset=7"));
  CHECK(history.count_changed(slice) == page.total);
  CHECK_THAT(asked.last_request(), Catch::EndsWith("&order_by=id&limit=1&offset=1000000000"));
  const auto run = std::ranges::find_if(
      page.rows, [](const DagRun& each) { return each.has_ended() && each.started && each.ended; });
  REQUIRE(run != page.rows.end());
  CHECK(*run->ended > *run->started);
  CHECK(run->queued.has_value() == is_airflow3);
}

TEST_CASE("the tasks of several runs are asked for by their names, without states") {
  Asked asked(GENERATE("2.11", "3.3"));
  CAPTURE(asked.version);
  const auto list = "POST " + asked.path("/dags/~/dagRuns/~/taskInstances/list");
  asked.airflow.set_file(list, "tasks_of_runs");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const RunKey runs[] = {{"a", "one"}, {"b \"q\"", "one"}, {"a", "two"}};
  const auto page = history.tasks(runs, 20);
  const auto request = asked.airflow.requests().back();
  const auto body = request.substr(request.find("\r\n\r\n") + 4);
  CHECK(body ==
        R"({"dag_ids":["a","b \"q\""],"dag_run_ids":["one","two"])" +
            std::string(asked.version == "2.11" ? "}" : R"(,"page_limit":100,"page_offset":20})"));
  REQUIRE(page.received > 0);
  CHECK(page.rows.size() == page.received);
  CHECK(page.total >= page.received);
  CHECK(page.rows[0].state == "success");
  CHECK(page.rows[0].try_number == 1);
  CHECK(page.rows[0].ended > page.rows[0].started);
  CHECK(page.rows[0].uuid.empty() == (asked.version == "2.11"));
}

TEST_CASE("a run and the tries of a task are asked for by their names") {
  Asked asked(GENERATE("2.11", "3.3"));
  CAPTURE(asked.version);
  const auto run = asked.path("/dags/retry/dagRuns/manual__1%2B00%3A00");
  asked.airflow.set_file("GET " + run, "run");
  asked.airflow.set_file("GET " + run + "/taskInstances/third%20time/tries", "tries");
  asked.airflow.set_file("GET " + run + "/taskInstances/third%20time/2/tries", "tries");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const auto found = history.find_run({"retry", "manual__1+00:00"});
  REQUIRE(found);
  CHECK(found->dag == "retry");
  CHECK(found->state == "success");
  CHECK_FALSE(history.find_run({"retry", "gone"}));

  TaskInstance task;
  task.dag = "retry";
  task.run = "manual__1+00:00";
  task.task = "third time";
  for (const std::int64_t map_index : {-1, 2}) {
    task.map_index = map_index;
    const auto tries = history.tries(task);
    REQUIRE(tries);
    REQUIRE(tries->size() == 3);
    CHECK((*tries)[0].state == "failed");
    CHECK((*tries)[0].try_number == 1);
    CHECK((*tries)[0].ended < (*tries)[1].started);
    CHECK((*tries)[2].state == "success");
  }
  // Airflow before 2.10 has no such list.
  task.task = "gone";
  CHECK(history.tries(task).has_value() == (asked.version == "3.3"));
}

TEST_CASE("the past of a DAG is asked for from its newest end on, and whether it is there") {
  Asked asked(GENERATE("2.11", "3.3"));
  CAPTURE(asked.version);
  const auto list = asked.path("/dags/a%20b/dagRuns?state=success");
  asked.airflow.set_file("GET " + list + "*", "changed_runs");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const std::string newest =
      (asked.version == "2.11" ? "&end_date_gte=1970-01-01T00%3A00%3A00.000Z" : std::string()) +
      "&order_by=-end_date&limit=";
  const auto page = history.newest_runs("a b");
  CHECK(asked.last_request() == "GET " + list + "&state=failed" + newest + "10");
  CHECK(page.received == page.rows.size());
  CHECK(page.received > 0);
  CHECK(history.newest_success("a b")->id == page.rows.front().id);
  CHECK(asked.last_request() == "GET " + list + newest + "1");
  CHECK(history.newest_runs("gone").rows.empty());

  asked.airflow.set_json("GET " + asked.path("/dags/a%20b"), R"({"dag_id": "a b"})");
  CHECK(history.has_dag("a b"));
  CHECK_FALSE(history.has_dag("gone"));
}

TEST_CASE("a run whose row cannot be read costs itself") {
  Asked asked("3.3");
  asked.airflow.set_json(
      "GET /api/v2/dags/~/dagRuns?state=success&state=failed&updated_at_gte=*",
      R"({"dag_runs": [{"dag_id": "a", "dag_run_id": 7, "state": "failed", "run_type": "manual"},)"
      R"( {"dag_id": "b", "dag_run_id": "x\ny", "state": "failed", "run_type": "manual",)"
      R"( "end_date": "2026-11-28T03:00:00Z"}], "total_entries": 2})");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const auto page = history.changed_runs({at(3, 0, 0), at(3, 1, 0), {}}, 0);
  CHECK(page.received == 2);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].id == "x\ny");
  CHECK(page.rows[0].ended == at(3, 0, 0));
  CHECK_THAT(asked.samples.first_malformed_row(), Catch::Contains("dag_runs[0].dag_run_id"));
}

TEST_CASE("a run whose conf holds a value that JSON does not have is read all the same") {
  const auto conf = GENERATE(as<std::string>(), R"("\ud800")", R"("\ud800\u0041\udc00 \"")",
                             R"({"\udfff": 1})", "1" + std::string(400, '0'), "-1e999",
                             std::string(900, '[') + '1' + std::string(900, ']'));
  CAPTURE(conf);
  Asked asked("2.11");
  asked.airflow.set_json(
      "GET /api/v1/dags/~/dagRuns?state=success&state=failed&updated_at_gte=*",
      R"({"dag_runs": [{"dag_id": "a", "dag_run_id": "\ud83d\ude00\u00e4", "conf": {"x": [)" +
          conf + R"(]}, "state": "failed", "run_type": "manual",)" +
          R"( "end_date": "2026-11-28T03:00:00Z"}], "total_entries": 1})");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const auto page = history.changed_runs({at(3, 0, 0), at(3, 1, 0), {}}, 0);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].id == "\U0001F600\u00e4");
  CHECK(page.rows[0].ended == at(3, 0, 0));
  CHECK(asked.samples.first_malformed_row().empty());
}

TEST_CASE("a run whose conf holds what Python writes and JSON has not is read all the same") {
  Asked asked("2.11");
  asked.airflow.set_json(
      "GET /api/v1/dags/~/dagRuns?state=success&state=failed&updated_at_gte=*",
      R"({"dag_runs": [{"dag_id": "a", "dag_run_id": "NaN \"Infinity", "state": "failed",)"
      R"( "run_type": "manual", "conf": {"x": [NaN, -Infinity, Infinity, "\\"], "y": NaN},)"
      R"( "end_date": "2026-11-28T03:00:00Z"}], "total_entries": 1})");
  const auto history = history_of(*asked.deployment, asked.samples, asked.deadline);
  const auto page = history.changed_runs({at(3, 0, 0), at(3, 1, 0), {}}, 0);
  REQUIRE(page.rows.size() == 1);
  CHECK(page.rows[0].id == "NaN \"Infinity");
  CHECK(page.rows[0].ended == at(3, 0, 0));
  CHECK(asked.samples.first_malformed_row().empty());
}
