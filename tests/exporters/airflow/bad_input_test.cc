#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/certificates.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::airflow;

namespace {

constexpr auto has = [](const auto& text) { return Catch::Contains(std::string(text)); };
const std::string kEntry =
    "username: viewer, password: hush, budget: {requests_per_second: 100000, burst: 1000}";
const std::string kJson = "Content-Type: application/json\r\n";

struct BadReply {
  std::string name, reply;
  Reason reason;
};

/// Truncated bodies, overload and bad encodings are in the tests of the HTTP client.
std::vector<BadReply> bad_replies() {
  const std::string login = "<html><form>Log in</form></html>",
                    html = "Content-Type: text/html\r\n";
  return {
      {"a login page", reply(200, login, html), Reason::decode},
      {"a login page that is called JSON", reply(200, login, kJson), Reason::decode},
      {"a way to another host", reply(302, "", "Location: https://login.example.com/\r\n"),
       Reason::http_status},
      {"a way back", reply(302, "", "Location: /api/v2/pools\r\n"), Reason::http_status},
      {"JSON that is cut", reply(200, "{\"pools\": [{\"name\": \"a\"", kJson), Reason::decode},
      {"no JSON", reply(200, "", kJson), Reason::decode},
      {"an array", reply(200, "[]", kJson), Reason::decode},
      {"a number", reply(200, "7", kJson), Reason::decode},
      {"null", reply(200, "null", kJson), Reason::decode},
      {"no list", reply(200, "{}", kJson), Reason::decode},
      {"invalid UTF-8", reply(200, "{\"pools\": \"\xff\"}", kJson), Reason::decode},
      {"a gigabyte", "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n" + kJson + "\r\n[",
       Reason::decode},
  };
}

/// The failure of a run of the collector, even if it also has samples.
std::optional<Error> failure_of(const CollectFunction& collect) {
  try {
    Samples samples;
    collect(samples, Deadline::in(std::chrono::minutes(5)));
    return samples.failure();
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

TEST_CASE("what is not an answer of Airflow costs a run of each collector, and is said") {
  const std::string version = GENERATE("2.11", "3.3");
  Replay airflow(version);
  for (const auto* module : kModules) {
    const bool asks_nothing = module == &kHealth || (module == &kJobs && version == "2.11");
    if (asks_nothing) continue;
    const auto deployment = deployment_of(airflow.url(), kEntry);
    const auto collect = collector(*module, deployment);
    const auto good = page_of(collect);
    for (const auto& bad : bad_replies()) {
      CAPTURE(version, module->name, bad.name);
      airflow.set_lists(bad.reply);
      const auto failure = failure_of(collect);
      REQUIRE(failure);
      CAPTURE(failure->what());
      CHECK(failure->reason() == bad.reason);
      CHECK_THAT(failure->what(), has("/") && !has("hush") && !has("<html>"));
    }
    airflow.set_lists({});
    CAPTURE(module->name);
    CHECK(page_of(collect) == good);
  }
}

TEST_CASE("rows of wrong types cost a run when there are no others") {
  const std::string version = GENERATE("2.11", "3.3");
  Replay airflow(version);
  for (const auto* module : {&kDags, &kDagWarnings, &kImportErrors, &kPools, &kRuns, &kAssets}) {
    for (const auto* row : {"7", "null", "\"a\"", "[]", "{}"}) {
      CAPTURE(version, module->name, row);
      std::string body = "{\"total_entries\": 1";
      for (const auto* key :
           {"dags", "dag_warnings", "import_errors", "pools", "dag_runs", "task_instances",
            "assets", "datasets", "asset_events", "dataset_events"}) {
        body += std::string(", \"") + key + "\": [" + row + "]";
      }
      airflow.set_lists(reply(200, body + "}", kJson));
      const auto failure = failure_of(collector(*module, deployment_of(airflow.url(), kEntry)));
      REQUIRE(failure);
      CHECK(failure->reason() == Reason::decode);
    }
  }
}

TEST_CASE("names of any characters and unknown states are shown as they are") {
  Replay airflow("3.3");
  const std::string name = R"(q\"\\\n\u00fc\ud83d\ude00\u0001{}=,)";
  std::string body = "{\"total_entries\": 1";
  const auto add = [&](const std::string& key, const std::string& row) {
    body += ", \"" + key + "\": [" + row + "]";
  };
  const std::string dag = R"("dag_id": ")" + name + "\", ";
  add("dags", "{" + dag + R"("timetable_summary": "dancing"})");
  add("dag_warnings", "{" + dag + R"("warning_type": "dancing"})");
  add("import_errors", R"({"import_error_id": 1, "filename": ")" + name + "\"}");
  add("pools", R"({"name": ")" + name + R"(", "slots": 1})");
  add("dag_runs", "{" + dag + R"("dag_run_id": "r", "run_type": "dancing", "state": "dancing"})");
  add("task_instances",
      "{" + dag + R"("dag_run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1,
          "state": "dancing"})");
  add("assets", R"({"name": ")" + name + R"(", "uri": "a"})");
  add("asset_events",
      R"({"id": 1, "name": ")" + name + R"(", "timestamp": "2026-01-01T00:00:00Z"})");
  airflow.set_lists(reply(200, body + "}", kJson));
  const std::string shown = "\"q\\\"\\\\\\nü\U0001F600\x01{}=,\"";
  for (const auto* module : {&kDags, &kDagWarnings, &kImportErrors, &kPools, &kRuns, &kAssets}) {
    CAPTURE(module->name);
    const auto page = page_of(collector(*module, deployment_of(airflow.url(), kEntry)));
    CHECK_THAT(page, has("=" + shown));
    for (const auto& line : {page.find("\n\n"), page.find("\nq"), page.find("\nü")}) {
      CHECK(line == page.npos);
    }
  }
}

TEST_CASE("a server that cannot be verified is not told a password") {
  const TemporaryDirectory directory;
  make_authority(directory.path(), "ca");
  make_authority(directory.path(), "other");
  make_certificate(directory.path(), "server", "IP:127.0.0.1", "ca");
  const ScriptedServer server(answer([](const std::string&) { return reply(200, "{}"); }),
                              ScriptedServer::Tls{.certificate = directory.path() / "server.pem",
                                                  .key = directory.path() / "server.key",
                                                  .client_ca = {}});
  const auto deployment = deployment_of(
      server.url(), kEntry + ", ca_file: '" + (directory.path() / "other.pem").string() + "'");
  CHECK_THAT(error_of(Reason::connect,
                      [&] { deployment->api.release(Deadline::in(std::chrono::minutes(5))); }),
             has("certificate"));
  CHECK(server.requests().empty());
}
