#include <catch2/catch.hpp>

#include "tests/exporters/airflow/replay.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

const std::string kPools2 = "GET /api/v1/pools?limit=1";

/// A line for each finding, bad ones with "! ".
std::string checked(const std::string& url, const std::string& entry) {
  const auto deployment = deployment_of(url, entry);
  std::string text;
  for (const auto& finding : check_deployment(*deployment, Deadline::in(std::chrono::minutes(5)))) {
    text += (finding.is_good ? "" : "! ") + finding.what + ": " + finding.text + "\n";
  }
  return text;
}

std::string checked(const Replay& airflow) {
  return checked(airflow.url(),
                 "username: viewer, password: hush, budget: {requests_per_second: 1000}");
}

/// All lists of a page of one row.
void allow_all(Replay& airflow, const std::string& version) {
  for (const auto* list : {"dags", "dags/~/dagRuns", "dags/~/dagRuns/~/taskInstances", "pools",
                           "importErrors", "dagWarnings", "datasets", "assets", "jobs"}) {
    airflow.set_json("GET /api/" + version + "/" + list + "?*", "{}");
  }
}

}  // namespace

TEST_CASE("a check says what a deployment is and what may be read of it") {
  Replay airflow("3.3");
  allow_all(airflow, "v2");
  airflow.set_file("GET /api/v2/jobs?*", "forbidden");
  airflow.set("GET /api/v2/pools?*", reply(500, ""));
  airflow.set("GET /api/v2/assets?*", reply(200, "<html>", "Content-Type: text/html\r\n"));
  CHECK(checked(airflow) ==
        "URL: " + airflow.url() +
            "\nversion: 3.3.2\nAPI: /api/v2\nhealth: reached, without a login\nlogin: accepted\n"
            "DAGs: allowed\nDAG runs: allowed\ntask instances: allowed\n! pools: GET /pools: "
            "status 500\n"
            "import errors: allowed\nDAG warnings: allowed\n"
            "! assets: GET /assets: expected JSON, got something else: a page to log in, or "
            "another server\n"
            "! jobs: refused: the user's role lacks the right to read jobs\n");
}

TEST_CASE("a list that Airflow 2 refuses first is a missing right, if another is allowed") {
  Replay airflow("2.11");
  allow_all(airflow, "v1");
  airflow.set_file("GET /api/v1/dags?*", "refused");
  airflow.set_file(kPools2, "pools_unlimited");
  CHECK(checked(airflow) ==
        "URL: " + airflow.url() +
            "\nversion: 2.11.2\nAPI: /api/v1\nhealth: reached, without a login\nlogin: accepted\n"
            "! DAGs: refused: the user's role lacks the right to read DAGs\n"
            "DAG runs: allowed\ntask instances: allowed\npools: allowed\n"
            "import errors: allowed\nDAG warnings: allowed\ndatasets: allowed\n");
}

TEST_CASE("a login that is refused is said once, without a password") {
  const auto* version = GENERATE("2.11", "3.3");
  CAPTURE(version);
  Replay airflow(version);
  airflow.set_file("POST /auth/token", version == std::string("3.3") ? "login_refused" : "refused");
  for (const auto* list : {"dags", "dags/~/dagRuns", "dags/~/dagRuns/~/taskInstances", "pools",
                           "importErrors", "dagWarnings", "datasets"}) {
    if (version == std::string("2.11")) {
      airflow.set_file("GET /api/v1/" + std::string(list) + "?*", "refused");
    }
  }
  const auto text = checked(airflow);
  CHECK_THAT(text, Catch::Contains("health: reached, without a login\n! login: ") &&
                       Catch::Contains("status 40") && !Catch::Contains("DAGs") &&
                       !Catch::Contains("hush"));
}

TEST_CASE("a login is not called accepted when no list was answered") {
  Replay airflow("3.3");
  CHECK_THAT(checked(airflow.url(), "username: viewer, password_file: /nonexistent"),
             Catch::Contains("\n! login: not known, as no list was answered\n! DAGs: ") &&
                 !Catch::Contains("accepted"));
}

TEST_CASE("a deployment that is not reached is said") {
  const auto url = "http://127.0.0.1:" + std::to_string(closed_port());
  CHECK_THAT(
      checked(url, "username: viewer, password: hush"),
      Catch::StartsWith("URL: " + url + "\n! version: GET " + url) && !Catch::Contains("login"));
}
