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
  for (const auto& finding :
       check_deployment(*deployment, {}, Deadline::in(std::chrono::minutes(5)))) {
    text += (finding.is_good ? "" : "! ") + finding.what + ": " + finding.text + "\n";
  }
  return text;
}

std::string checked(const Replay& airflow) {
  return checked(airflow.url(),
                 "username: viewer, password: hush, budget: {requests_per_second: 1000}");
}

/// Answers requests for each of the lists.
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
            "DAGs: allowed\nDAG runs: allowed\ntask instances: allowed\n! pools: GET " +
            airflow.url() +
            "/api/v2/pools: status 500\n"
            "import errors: allowed\nDAG warnings: allowed\n! assets: GET " +
            airflow.url() +
            "/api/v2/assets: expected JSON, got text/html: a login page, or another server\n"
            "! jobs: refused: the user's role may not read jobs\n");
}

TEST_CASE("a check warns of deadlines that match no DAG") {
  Replay airflow("3.3");
  allow_all(airflow, "v2");
  const std::string list = "GET /api/v2/dags?exclude_stale=false&limit=100&offset=0";
  airflow.set_json(list,
                   R"({"dags": [{"dag_id": "orders"}, {"dag_id": "hidden"}], "total_entries": 2})");
  const auto deadlines = [&](const std::string& ids) {
    const auto text = checked(airflow.url(),
                              "username: viewer, password: hush, dag_exclude: hidden, "
                              "budget: {requests_per_second: 1000}, deadlines: [" +
                                  ids + "]");
    return text.substr(text.find("jobs: allowed\n") + 14);
  };
  CHECK(deadlines("").empty());
  CHECK(deadlines("{dag_id: 'ord.*', max_age: 2h}") == "deadlines: each matches a DAG\n");
  CHECK(deadlines("{dag_id: orders, max_age: 2h}, {dag_id: ordres, max_age: 2h}, "
                  "{dag_id: hidden, max_age: 2h}") ==
        "deadlines: warning: no DAG, or only an excluded one, matches ordres, hidden\n");
  airflow.set(list, reply(500, ""));
  airflow.set("GET /api/v2/dags?exclude_stale=false&limit=1&offset=1000000000", reply(500, ""));
  CHECK(deadlines("{dag_id: orders, max_age: 2h}") ==
        "! deadlines: GET " + airflow.url() + "/api/v2/dags: status 500\n");
}

TEST_CASE("a list that Airflow 2 refuses first is a missing right, if another is allowed") {
  Replay airflow("2.11");
  allow_all(airflow, "v1");
  airflow.set_file("GET /api/v1/dags?*", "refused");
  airflow.set_file(kPools2, "pools_unlimited");
  CHECK(checked(airflow) ==
        "URL: " + airflow.url() +
            "\nversion: 2.11.2\nAPI: /api/v1\nhealth: reached, without a login\nlogin: accepted\n"
            "! DAGs: refused: the user's role may not read DAGs\n"
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
  airflow.set_lists(reply(200, "<html>", "Content-Type: text/html\r\n"));
  CHECK_THAT(checked(airflow),
             Catch::Contains("\n! login: not known, because no list could be read\n"
                             "! DAGs: GET " +
                             airflow.url() + "/api/v2/dags: expected JSON") &&
                 !Catch::Contains("accepted"));
}

TEST_CASE("what keeps all lists from being read is said once, as the login's") {
  Replay airflow("3.3");
  CHECK_THAT(
      checked(airflow.url(), "username: viewer, password_file: /nonexistent"),
      Catch::EndsWith("login\n! login: secret file /nonexistent: No such file or directory\n"));
  airflow.set("POST /auth/token", reply(404, ""));
  CHECK_THAT(
      checked(airflow),
      Catch::EndsWith(
          "\n! login: POST " + airflow.url() +
          "/auth/token: status 404: no tokens are issued for passwords: set bearer_token_file\n"));
}

TEST_CASE("credentials that are missing are said, with the keys that give them") {
  const std::string keys =
      ": no credentials: set username and password_file, or bearer_token_file (as flags: "
      "--deployment.username, ...)\n";
  SECTION("Airflow 2") {
    Replay airflow("2.11");
    airflow.set_lists(reply(403, ""));
    CHECK_THAT(checked(airflow.url(), "budget: {requests_per_second: 1000}"),
               Catch::Contains("\n! login: GET " + airflow.url() + "/api/v1/") &&
                   Catch::EndsWith(": status 403" + keys));
  }
  SECTION("Airflow 3") {
    Replay airflow("3.3");
    airflow.set_lists(reply(401, R"({"detail":"Not authenticated"})"));
    CHECK_THAT(checked(airflow.url(), "budget: {requests_per_second: 1000}"),
               Catch::Contains("\n! login: GET " + airflow.url() + "/api/v2/") &&
                   Catch::EndsWith(": status 401" + keys));
    CHECK_THAT(checked(airflow.url(), "bearer_token: hush, budget: {requests_per_second: 1000}"),
               Catch::EndsWith(": status 401: Not authenticated: check bearer_token\n"));
  }
}

TEST_CASE("a deployment that is not reached is said") {
  const auto url = "http://127.0.0.1:" + std::to_string(closed_port());
  CHECK(checked(url, "username: viewer, password: hush") ==
        "URL: " + url + "\n! version: GET " + url + "/api/v2/version: connection refused\n");
}

TEST_CASE("a url that is not Airflow's is said, with what came from it") {
  Replay airflow("3.3");
  const auto url = airflow.url() + "/home";
  const auto is_what = [&](const std::string& what, const std::string& advice) {
    CHECK(checked(url + "/", "username: viewer, password: hush") ==
          "URL: " + url + "\n! version: " + what + ": " + advice + "\n");
  };
  const auto version2 = "GET " + url + "/api/v2/version: ",
             version1 = "GET " + url + "/api/v1/version: ";
  const std::string base = "url must be base_url of Airflow's web server, with its path";
  is_what("no Airflow: " + version2 + "status 404, " + version1 + "status 404", base);
  airflow.set("GET /home/api/v2/version", reply(200, "<html>", "Content-Type: text/html\r\n"));
  const std::string login_page =
      "a login page before Airflow may need headers; otherwise url is not base_url of Airflow's "
      "web "
      "server, with its path";
  is_what("no Airflow: " + version2 + "text/html, " + version1 + "status 404", login_page);
  airflow.set("GET /home/api/v2/version",
              reply(302, "", "Location: https://login.example.com/x\r\n"));
  is_what(version2 +
              "redirected to https://login.example.com, which is not followed: another "
              "scheme, host or port",
          login_page);
  airflow.set_json("GET /home/api/v2/version", "{}");
  is_what(version2 + "version: missing", base);
  airflow.set("GET /home/api/v2/version", reply(401, ""));
  is_what(version2 + "status 401",
          "refused before Airflow, which needs no login here: a proxy may need headers");
  airflow.set("GET /home/api/v2/version", reply(407, ""));
  is_what(version2 + "status 407",
          "the proxy needs a login: set proxy_username and proxy_password");
}
