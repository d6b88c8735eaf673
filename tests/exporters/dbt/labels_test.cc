// Labels of a project from the configuration, and labels of results from dbt's environment.

#include "exporters/dbt/labels.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "common/base/error.h"
#include "exporters/dbt/families.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string refusal(const std::string& project) {
  return error_of(Reason::config, [&] { project_of("target: target, " + project); });
}

/// Artifacts of a dbt with that environment.
std::string with_env(std::string artifact, const std::string& env) {
  const std::string schema = "\"dbt_schema_version\"";
  return artifact.insert(artifact.find(schema), "\"env\": " + env + ", ");
}

std::string run(const std::string& env, int minute = 1, const std::string& status = "success") {
  return with_env(results(minute, "invocation-" + std::to_string(minute), status), env);
}

/// An exporter of one project with these keys besides `target`.
class Exporter {
 public:
  explicit Exporter(const std::string& keys) {
    collector_ =
        collectors_of("projects: [{name: shop, target: " + directory_.path().string() + keys + "}]",
                      {}, std::make_shared<Ledgers>(""))
            .at(0);
  }

  void leave(const std::string& name, const std::string& text) { directory_.write(name, text); }

  /// The lines of a family, without their common parts.
  std::vector<std::string> lines(const std::string& name) {
    const auto begin = name + R"({project="shop",)";
    std::vector<std::string> found;
    std::istringstream in(page_of(collector_));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(begin)) found.push_back(line.substr(begin.size()));
    }
    return found;
  }

 private:
  TemporaryDirectory directory_;
  Collector collector_;
};

using Lines = std::vector<std::string>;
const std::string kOrigin = "dbt_node_last_run_origin_info";

/// The labels of the origin of model.shop.a after a run with this environment; empty without one.
std::string origin(const std::string& keys, const std::string& env) {
  Exporter exporter(keys);
  exporter.leave("run_results.json", run(env));
  const auto lines = exporter.lines(kOrigin);
  if (lines.empty()) return {};
  REQUIRE(lines.size() == 1);
  const std::string begin = R"(unique_id="model.shop.a",)", end = "} 1";
  REQUIRE(lines[0].starts_with(begin));
  return lines[0].substr(begin.size(), lines[0].size() - begin.size() - end.size());
}

}  // namespace

TEST_CASE("labels have names that are free and values that are not empty") {
  const std::string name = ": expected a label name";
  CHECK(refusal("labels: {project: a}") == "dbt.yml:1:59: projects[0].labels.project" + name);
  for (const auto* bad : {"unique_id", "instance", "job", "le", "__name__", "\"a-b\"", "\"\""}) {
    CAPTURE(bad);
    CHECK_THAT(refusal("labels: {" + std::string(bad) + ": a}"), Catch::EndsWith(name));
    CHECK_THAT(refusal("env_labels: {" + std::string(bad) + ": A}"), Catch::EndsWith(name));
  }
  CHECK(refusal("labels: {team: \"\"}") ==
        "dbt.yml:1:56: projects[0].labels.team: expected a string of 1 to 500 bytes");
  CHECK(refusal("labels: {team: " + std::string(501, 'x') + "}") ==
        "dbt.yml:1:56: projects[0].labels.team: expected a string of 1 to 500 bytes");
  CHECK_NOTHROW(project_of("target: target, labels: {team: " + std::string(500, 'x') + "}"));
  CHECK(refusal("env_labels: {team: A.B}") ==
        "dbt.yml:1:60: projects[0].env_labels.team: expected the name of a variable of the "
        "environment");
  CHECK(refusal("env_labels: {team: DBT_ENV_CUSTOM_ENV_}") ==
        "dbt.yml:1:60: projects[0].env_labels.team: expected the name of a variable of the "
        "environment");
}

TEST_CASE("labels are few") {
  std::string eight;
  for (const char name : std::string("abcdefgh")) eight.append(1, name).append(": x, ");
  for (const std::string key : {"labels", "env_labels"}) {
    CAPTURE(key);
    CHECK_NOTHROW(project_of("target: target, " + key + ": {" + eight + "}"));
    CHECK_THAT(refusal(key + ": {" + eight + "i: x}"),
               Catch::EndsWith("projects[0]." + key + ": more than 8 labels"));
  }
}

TEST_CASE("what Airflow's tasks are told to hand on is read without a configuration") {
  CHECK(origin("", R"({"DAG_ID": "shop_daily", "TASK_ID": "build", "SECRET": "a"})") ==
        R"(dag_id="shop_daily",task_id="build",warehouse="")");
  CHECK(origin("", R"({"AIRFLOW_CTX_DAG_ID": "shop_daily", "AIRFLOW_CTX_TASK_ID": "build"})") ==
        R"(dag_id="shop_daily",task_id="build",warehouse="")");
  CHECK(origin("", R"({"DAG_ID": "", "AIRFLOW_CTX_DAG_ID": "shop_daily"})") ==
        R"(dag_id="shop_daily",task_id="",warehouse="")");
  CHECK(origin("", R"({"DAG_ID": "one", "AIRFLOW_CTX_DAG_ID": "two"})") ==
        R"(dag_id="one",task_id="",warehouse="")");
}

TEST_CASE("where dbt ran without an origin there is no series") {
  for (const auto* env : {"{}", "null", "[]", "7", R"({"TEAM": "core"})", R"({"DAG_ID": ""})",
                          R"({"DAG_ID": 7, "TASK_ID": {}})"}) {
    CAPTURE(env);
    CHECK(origin("", env).empty());
  }
}

TEST_CASE("variables that are not labels cannot damage what is read") {
  CHECK(origin("", R"({"OTHER": "\ud800", "LARGE": NaN, "DAG_ID": "shop_daily"})") ==
        R"(dag_id="shop_daily",task_id="",warehouse="")");
}

TEST_CASE("a value that is too long to be a label is left out, not cut") {
  const auto env = [](std::size_t size) {
    return R"({"TASK_ID": "build", "DAG_ID": ")" + std::string(size, 'x') + "\"}";
  };
  CHECK(origin("", env(501)) == R"(dag_id="",task_id="build",warehouse="")");
  CHECK(origin("", env(500)) ==
        "dag_id=\"" + std::string(500, 'x') + R"(",task_id="build",warehouse="")");
}

TEST_CASE("the configuration names variables, with dbt's prefix or without it") {
  const std::string keys =
      ", env_labels: {dag_id: PIPELINE, team: DBT_ENV_CUSTOM_ENV_TEAM, warehouse: WH}";
  CHECK(origin(keys, R"({"PIPELINE": "p", "DAG_ID": "d", "TASK_ID": "t", "TEAM": "core",
                         "WH": "TRANSFORM"})") ==
        R"(dag_id="p",task_id="t",warehouse="TRANSFORM",team="core")");
  CHECK(origin(keys, R"({"TEAM": "core"})") == R"(dag_id="",task_id="",warehouse="",team="core")");
}

TEST_CASE("what the environment does not say the project's labels do") {
  const std::string keys = ", labels: {dag_id: shop_daily, warehouse: LOADING, environment: prod}";
  CHECK(origin(keys, "{}") == R"(dag_id="shop_daily",task_id="",warehouse="LOADING")");
  CHECK(origin(keys, R"({"DAG_ID": "other"})") ==
        R"(dag_id="other",task_id="",warehouse="LOADING")");
}

TEST_CASE("the labels of a project are on one series of it") {
  Exporter exporter(", labels: {team: core, environment: prod}");
  exporter.leave("run_results.json", run("{}"));
  CHECK(exporter.lines("dbt_project_info") == Lines{R"(environment="prod",team="core"} 1)"});
  Exporter without("");
  without.leave("run_results.json", run("{}"));
  CHECK(without.lines("dbt_project_info").empty());
}

TEST_CASE("an origin is that of the last run, whatever skipped the node or compiled it since") {
  Exporter exporter("");
  const auto origin_after = [&](const std::string& results) {
    exporter.leave("run_results.json", results);
    return exporter.lines(kOrigin);
  };
  const auto is = [](const std::string& dag) {
    return Lines{R"(unique_id="model.shop.a",dag_id=")" + dag + R"(",task_id="",warehouse=""} 1)"};
  };
  CHECK(origin_after(run(R"({"DAG_ID": "one"})", 1, "error")) == is("one"));
  CHECK(origin_after(run(R"({"DAG_ID": "two"})", 2, "skipped")) == is("one"));
  CHECK(origin_after(with_env(results(3, "three", "success", "compile"),
                              R"({"DAG_ID": "three"})")) == is("one"));
  CHECK(origin_after(run(R"({"DAG_ID": "four"})", 4, "error")) == is("four"));
  CHECK(origin_after(run("{}", 5, "error")).empty());
}

TEST_CASE("a node that was skipped and never ran has no origin") {
  Exporter exporter("");
  exporter.leave("run_results.json", run(R"({"DAG_ID": "one"})", 1, "skipped"));
  CHECK(exporter.lines(kOrigin).empty());
}

TEST_CASE("a source has the origin of what measured it last") {
  Exporter exporter("");
  exporter.leave("manifest.json", metadata("manifest/v12", 1, "one") +
                                      R"("sources": {"source.shop.app.events": {}}})");
  exporter.leave("sources.json", with_env(freshness(1, "one", "error"), R"({"TASK_ID": "fresh"})"));
  CHECK(exporter.lines(kOrigin) ==
        Lines{R"(unique_id="source.shop.app.events",dag_id="",task_id="fresh",warehouse=""} 1)"});
}

TEST_CASE("the last invocation of a command says what ran it") {
  Exporter exporter("");
  exporter.leave("run_results.json", run(R"({"DAG_ID": "one", "TASK_ID": "build"})"));
  CHECK(exporter.lines("dbt_invocation_info") ==
        Lines{R"(command="build",invocation_id="invocation-1",dbt_version="",dag_id="one",)"
              R"(task_id="build"} 1)"});
}

TEST_CASE("a manifest says nothing of what ran") {
  Exporter exporter("");
  exporter.leave("manifest.json", with_env(manifest(1, "one", "table"), R"({"DAG_ID": "one"})"));
  exporter.leave("run_results.json", results(2, "two", "success"));
  CHECK(exporter.lines(kOrigin).empty());
}

TEST_CASE("a model with a warehouse of its own in Snowflake ran there") {
  const auto warehouse = [](const std::string& own) {
    Exporter exporter(", labels: {warehouse: LOADING}");
    exporter.leave("manifest.json",
                   metadata("manifest/v12", 1, "one") +
                       R"("nodes": {"model.shop.a": {"config": {"snowflake_warehouse": )" + own +
                       "}}}}");
    exporter.leave("run_results.json", results(2, "two", "success"));
    const auto lines = exporter.lines(kOrigin);
    REQUIRE(lines.size() == 1);
    return lines[0].substr(lines[0].find("warehouse="));
  };
  CHECK(warehouse("null") == R"(warehouse="LOADING"} 1)");
  CHECK(warehouse("\"transform_xl\"") == R"(warehouse="TRANSFORM_XL"} 1)");
  CHECK(warehouse(R"("\"Transform xl\"")") == R"(warehouse="Transform xl"} 1)");
}
