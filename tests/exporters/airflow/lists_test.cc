#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

constexpr auto has = [](const auto& text) { return Catch::Contains(std::string(text)); };
const std::string kDags3 = "GET /api/v2/dags?exclude_stale=false&limit=100&offset=0";
const std::string kErrors3 = "GET /api/v2/importErrors?limit=100&offset=0";

std::string shown(const airflow::Module& module, const std::shared_ptr<Deployment>& deployment) {
  return page_of(collector(module, deployment));
}

std::string error_row(int id, const std::string& file) {
  return R"({"import_error_id": )" + std::to_string(id) + R"(, "filename": ")" + file +
         R"(", "bundle_name": "b", "stack_trace": ""})";
}

std::string errors(const std::string& rows, int total) {
  return "{\"import_errors\": [" + rows + "], \"total_entries\": " + std::to_string(total) + "}";
}

std::string line_of(const std::string& page, const std::string& start) {
  const auto at = page.find("\n" + start);
  if (at == page.npos) return "no line";
  return page.substr(at + 1, page.find('\n', at + 1) - at - 1);
}

}  // namespace

TEST_CASE("a row of an unexpected shape costs itself alone") {
  Replay airflow("3.3");
  airflow.set_json(kDags3, R"({"total_entries": 3, "dags": [{"dag_id": 7}, null,
      {"dag_id": "q\"\\\n\u00fc", "owners": null, "tags": null, "is_paused": true,
       "next_dagrun_run_after": null}]})");
  const auto page = shown(kDags, deployment_of(airflow.url()));
  CHECK_THAT(page, has("airflow_dag_paused{deployment=\"prod\",dag_id=\"q\\\"\\\\\\nü\"} 1\n"));
  CHECK_THAT(page, has("/dags/q%22%5C%0A%C3%BC\"} 1\n"));
}

TEST_CASE("the last list of DAGs that was read is there for other collectors") {
  Replay airflow("3.3");
  const auto deployment = deployment_of(airflow.url());
  const auto collect = collector(kDags, deployment);
  CHECK(deployment->selection.view().list() == nullptr);
  airflow.set_json(kDags3, R"({"total_entries": 1, "dags": [{"dag_id": "a", "is_stale": true}]})");
  page_of(collect);
  const auto* list = deployment->selection.view().list();
  REQUIRE(list);
  REQUIRE(list->dags.size() == 1);
  CHECK(list->dags.at("a").is_stale);
  CHECK_FALSE(list->dags.at("a").is_in_file());
  airflow.set_file(kDags3, "forbidden");
  error_of(Reason::auth, [&] { page_of(collect); });
  CHECK(deployment->selection.view().list() == list);
}

TEST_CASE("lists of several pages are read to their end") {
  Replay airflow("3.3");
  airflow.set_json(kDags3, R"({"total_entries": 3, "dags": [{"dag_id": "a"}, {"dag_id": "b"}]})");
  airflow.set_json("GET /api/v2/dags?exclude_stale=false&limit=100&offset=2",
                   R"({"total_entries": 3, "dags": [{"dag_id": "c"}]})");
  const auto page = shown(kDags, deployment_of(airflow.url()));
  for (const auto* dag : {"a", "b", "c"}) {
    CHECK_THAT(page, has("dag_id=\"" + std::string(dag) + "\"} 0\n"));
  }
}

TEST_CASE("health is shown, and failed, while every list was refused") {
  Replay airflow("2.11");
  const auto deployment = deployment_of(airflow.url());
  CHECK_THAT(shown(kHealth, deployment), has("version=\"2.11.2\"} 1\n"));
  airflow.set_file("GET /api/v1/dagWarnings?limit=100&offset=0", "refused");
  error_of(Reason::auth, [&] { shown(kDagWarnings, deployment); });
  Samples samples;
  collector(kHealth, deployment)(samples, Deadline::in(std::chrono::minutes(5)));
  REQUIRE(samples.failure());
  CHECK(samples.failure()->reason() == Reason::auth);
  std::string page;
  samples.render(Format::text, page);
  CHECK_THAT(page, has("component=\"scheduler\"} 1\n"));
}

TEST_CASE("a component that died is unhealthy, one that never ran is absent") {
  Replay airflow("2.11");
  airflow.set_file("GET /api/v1/health", "health_dead");
  const auto page = shown(kHealth, deployment_of(airflow.url()));
  CHECK_THAT(page,
             has("airflow_component_healthy{deployment=\"prod\",component=\"triggerer\"} 0\n"));
  CHECK_THAT(page, !has("dag_processor\""));
}

TEST_CASE("a component of an unexpected shape costs itself alone") {
  Replay airflow("2.11");
  airflow.set_json("GET /api/v1/health", R"({"metadatabase": {"status": "healthy"}, "scheduler":
      {"status": "healthy", "latest_scheduler_heartbeat": "yesterday"}, "triggerer": 7,
      "dag_processor": {"status": "sleepy"}})");
  const auto collect = collector(kHealth, deployment_of(airflow.url()));
  Samples samples;
  collect(samples, Deadline::in(std::chrono::minutes(5)));
  CHECK_THAT(samples.first_malformed_row(), has("latest_scheduler_heartbeat"));
  const auto page = page_of(collect);
  CHECK_THAT(page, has("airflow_info") && has("component=\"metadatabase\"} 1\n") &&
                       has("component=\"dag_processor\"} 0\n"));
  CHECK_THAT(page, !has("component=\"scheduler\"") && !has("component=\"triggerer\""));
  airflow.set_json("GET /api/v1/health", "[]");
  error_of(Reason::decode, [&] { page_of(collect); });
}

TEST_CASE(
    "an import error that was first seen while the clock was ahead is as old as its correction") {
  const auto ledgers = std::make_shared<Ledgers>("");
  Replay airflow("3.3");
  airflow.set_json(kErrors3, errors(error_row(1, "a.py"), 1));
  const auto deployment = deployment_of(airflow.url(), "username: a, password: b", ledgers);
  {
    auto run = deployment->ledger.begin(Deadline::in(std::chrono::minutes(1)));
    const auto ahead = Ledger::wall_clock() + std::chrono::days(400);
    run.set_metadata("import_error/1", std::to_string(ahead.time_since_epoch().count()));
    run.commit();
  }
  const auto collect = collector(kImportErrors, deployment);
  const std::string a =
      "airflow_import_error_first_seen_timestamp_seconds{deployment=\"prod\","
      "bundle=\"b\",file=\"a.py\"} ";
  const auto seen = line_of(page_of(collect), a);
  CHECK(std::stod(seen.substr(seen.rfind(' '))) <= seconds_of(Ledger::wall_clock()));
  CHECK(line_of(page_of(collect), a) == seen);
}

TEST_CASE("an import error is as old as when it was first seen, also after a restart") {
  const TemporaryDirectory directory;
  Replay airflow("3.3");
  airflow.set_json(kErrors3, errors(error_row(1, "a.py"), 1));
  const std::string a =
      "airflow_import_error_first_seen_timestamp_seconds{deployment=\"prod\","
      "bundle=\"b\",file=\"a.py\"} ";
  std::string first;
  {
    const auto deployment = deployment_of(airflow.url(), "username: a, password: b",
                                          std::make_shared<Ledgers>(directory.path()));
    const auto collect = collector(kImportErrors, deployment);
    first = line_of(page_of(collect), a);
    CHECK(first != "no line");
    airflow.set_json(kErrors3, errors(error_row(1, "a.py") + "," + error_row(2, "b.py"), 2));
    CHECK(line_of(page_of(collect), a) == first);
  }
  const auto deployment = deployment_of(airflow.url(), "username: a, password: b",
                                        std::make_shared<Ledgers>(directory.path()));
  const auto collect = collector(kImportErrors, deployment);
  const auto page = page_of(collect);
  CHECK(line_of(page, a) == first);
  CHECK_THAT(page, has("airflow_import_errors{deployment=\"prod\"} 2\n"));
  airflow.set_json(kErrors3, errors("", 0));
  CHECK_THAT(page_of(collect), has("airflow_import_errors{deployment=\"prod\"} 0\n"));
  airflow.set_json(kErrors3, errors(error_row(1, "a.py"), 1));
  const auto again = line_of(page_of(collect), a);
  CHECK(again != first);
  CHECK(again != "no line");
}
