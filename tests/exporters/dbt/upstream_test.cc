// A failed node of any type has its own series, and is shown by the exposures downstream and the
// coverage.

#include <catch2/catch.hpp>

#include "exporters/dbt/families.h"
#include "tests/exporters/dbt/listed.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string member(const std::string& id, const std::string& parents,
                   const std::string& more = "") {
  return '"' + id + R"(": {"name": ")" + id.substr(id.rfind('.') + 1) + '"' + more +
         R"(, "depends_on": {"nodes": [)" + parents + "]}}";
}

/// events -> a -> semantic model -> metric -> saved query, and exposure; a and b -> one test.
Project shop() {
  const auto text =
      metadata("manifest/v12", 1, "one") + R"("nodes": {)" +
      member("model.shop.a", R"("source.shop.app.events")") + ", " + member("model.shop.b", "") +
      ", " + member("test.shop.both", R"("model.shop.a", "model.shop.b")") + ", " +
      member("test.shop.of_b", R"("model.shop.a", "model.shop.b")",
             R"(, "attached_node": "model.shop.b")") +
      R"(}, "sources": {)" + member("source.shop.app.events", "") + R"(}, "semantic_models": {)" +
      member("semantic_model.shop.s", R"("model.shop.a")") + R"(}, "metrics": {)" +
      member("metric.shop.m", R"("semantic_model.shop.s")") + R"(}, "saved_queries": {)" +
      member("saved_query.shop.q", R"("metric.shop.m")") + R"(}, "functions": {)" +
      member("function.shop.f", "") + R"(}, "exposures": {)" +
      member("exposure.shop.e", R"("metric.shop.m")") + ", " +
      member("exposure.shop.of_q", R"("saved_query.shop.q")") + "}}";
  Project project;
  project.name = "shop";
  apply_manifest(project, read_manifest({"manifest.json", [&](const auto& sink) { sink(text); }}));
  return project;
}

void let_run(Project& project, const std::string& id, const std::string& status) {
  RunResults results;
  results.command = "build";
  results.metadata.invocation_id = id;
  auto& result = results.results.emplace_back();
  result.node = id;
  result.status = status;
  apply_run_results(project, results);
}

void measure(Project& project, const std::string& status) {
  FreshnessResults results;
  results.metadata.invocation_id = "freshness";
  auto& result = results.results.emplace_back();
  result.source = "source.shop.app.events";
  result.status = status;
  apply_freshness(project, results);
}

bool has(const Part& part, const Project& project, const std::string& line) {
  const Settings settings(Selection::flags(), {}, nullptr);
  Samples samples;
  const auto shown = Selection(settings).choose(project, samples);
  part.add(samples, project, shown);
  std::string page;
  samples.render(Format::text, page);
  return page.find(line + '\n') != page.npos;
}

std::string failing(const std::string& exposure, int count) {
  return R"(dbt_exposure_failing_nodes{project="shop",unique_id="exposure.shop.)" + exposure +
         R"(",name=")" + exposure + R"(",owner=""} )" + std::to_string(count);
}

}  // namespace

TEST_CASE("an exposure is at risk by whatever way what failed reaches it") {
  auto project = shop();
  CHECK(has(kExposures, project, failing("e", 0)));
  SECTION("a model") { let_run(project, "model.shop.a", "error"); }
  SECTION("a test of several models") { let_run(project, "test.shop.both", "fail"); }
  SECTION("a metric") { let_run(project, "metric.shop.m", "error"); }
  SECTION("a semantic model") { let_run(project, "semantic_model.shop.s", "error"); }
  SECTION("a late source") { measure(project, "error"); }
  SECTION("a source that could not be read") { measure(project, "runtime error"); }
  CHECK(has(kExposures, project, failing("e", 1)));
  CHECK(has(kExposures, project, failing("of_q", 1)));
}

TEST_CASE("an exposure is at no risk by what is not before it, or only warns") {
  auto project = shop();
  let_run(project, "model.shop.b", "error");
  let_run(project, "test.shop.of_b", "fail");
  let_run(project, "test.shop.both", "warn");
  let_run(project, "saved_query.shop.q", "error");
  measure(project, "warn");
  CHECK(has(kExposures, project, failing("e", 0)));
  CHECK(has(kExposures, project, failing("of_q", 1)));
}

TEST_CASE("a test of several models counts for each of them") {
  CHECK(has(kCoverage, shop(),
            R"(dbt_project_covered_nodes{project="shop",resource_type="model",by="tests"} 2)"));
}

TEST_CASE("whatever failed has a series, and a description where the manifest has one") {
  auto project = shop();
  for (const std::string id :
       {"saved_query.shop.q", "metric.shop.m", "function.shop.f", "novelty.shop.n"}) {
    CAPTURE(id);
    let_run(project, id, "error");
    const auto labels = R"({project="shop",unique_id=")" + id + '"';
    CHECK(has(kNodes, project, "dbt_node_consecutive_failures" + labels + "} 1"));
    CHECK(has(kNodes, project, "dbt_node_last_status" + labels + R"(,status="error"} 1)"));
  }
  CHECK(has(kNodes, project,
            R"(dbt_node_info{project="shop",unique_id="saved_query.shop.q",resource_type=)"
            R"("saved_query",package="",name="q",database="",schema="",materialized="",owner="",)"
            R"(group="",access="",severity="",path="",tested="",dataset=""} 1)"));
  // A node that was removed from the project has no series.
  let_run(project, "model.shop.gone", "error");
  CHECK_FALSE(
      has(kNodes, project,
          R"(dbt_node_consecutive_failures{project="shop",unique_id="model.shop.gone"} 1)"));
}
