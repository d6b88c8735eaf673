// Artifacts of dbt 2.0: reused nodes, nodes without work, freshness.json.

#include <catch2/catch.hpp>

#include "exporters/dbt/counters.h"
#include "exporters/dbt/follower.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string node(const std::string& id, const std::string& materialized,
                 const std::string& parents) {
  return '"' + id + R"(": {"config": {"materialized": ")" + materialized +
         R"("}, "depends_on": {"nodes": [)" + parents + "]}}";
}

/// a <- eph <- eph2 <- b, a test of a, and a function.
const std::string kManifest = metadata("manifest/v12", 1, "one") + R"("nodes": {)" +
                              node("model.shop.a", "table", "") + ", " +
                              node("model.shop.eph", "ephemeral", R"("model.shop.a")") + ", " +
                              node("model.shop.eph2", "ephemeral", R"("model.shop.eph")") + ", " +
                              node("model.shop.b", "table", R"("model.shop.eph2")") + ", " +
                              node("test.shop.t", "test", R"("model.shop.a")") + ", " +
                              node("function.shop.f", "", "") + "}}";

std::string result(const std::string& id, const std::string& status,
                   const std::string& message = "Skipped") {
  return R"({"unique_id": ")" + id + R"(", "status": ")" + status + R"(", "message": ")" + message +
         R"(", "execution_time": 2, "timing": [{"name": "execute", "started_at":)" +
         R"( "2026-01-02T03:04:05.123456789Z", "completed_at": "2026-01-02T03:04:07.123456789Z"}]})";
}

std::string results_of(const std::string& command, const std::string& rows) {
  return metadata("run-results/v6", 2, "one") + R"("args": {"command": ")" + command +
         R"(", "which": ")" + command + R"("}, "results": [)" + rows + "]}";
}

struct Shop {
  Listed artifacts;
  const Ledger::Options options{.past = Ledger::wall_clock().time_since_epoch()};
  SharedLedger ledger = SharedLedger(std::make_shared<Ledger>("dbt", ""), options);
  Follower follower{"shop", artifacts.lister(), ledger};

  const Project& after(const std::string& results) {
    artifacts.put(Kind::manifest, kManifest);
    artifacts.put(Kind::run_results, results);
    update(follower);
    return follower.project();
  }
  std::size_t skipped(const std::string& command) const {
    const auto& all = follower.project().invocations.at(command).results;
    const auto found = all.find({"model", "skipped"});
    return found == all.end() ? 0 : found->second;
  }
  /// Whether the line is among the counters.
  bool counts(const std::string& line) const {
    Samples samples;
    std::set<std::string, std::less<>> nodes;
    for (const auto& [id, history] : follower.project().nodes) nodes.insert(id);
    add_counters(samples, follower.ledger(), nodes);
    std::string page;
    samples.render(Format::text, page);
    return page.find(line) != page.npos;
  }
};

}  // namespace

TEST_CASE("a model without a table is skipped when something before it failed, and not else") {
  Shop shop;
  const auto idle =
      result("model.shop.eph", "skipped") + ", " + result("model.shop.eph2", "skipped");
  SECTION("all is well") {
    const auto& project =
        shop.after(results_of("build", result("model.shop.a", "success") + ", " + idle + ", " +
                                           result("model.shop.b", "success")));
    CHECK(shop.skipped("build") == 0);
    CHECK_FALSE(project.nodes.contains("model.shop.eph"));
  }
  SECTION("its model failed") {
    shop.after(results_of(
        "build", result("model.shop.a", "error") + ", " + idle + ", " +
                     result("model.shop.b", "skipped", "Skipped due to upstream failure")));
    CHECK(shop.skipped("build") == 3);
    CHECK(shop.counts(
        R"(dbt_node_runs_total{project="shop",unique_id="model.shop.eph2",status="skipped"} 1)"));
  }
  SECTION("its model was skipped") {
    shop.after(results_of("build", result("model.shop.a", "skipped", "whatever") + ", " + idle));
    CHECK(shop.skipped("build") == 3);
  }
  SECTION("a test of its model failed") {
    shop.after(results_of("build", result("model.shop.a", "success") + ", " +
                                       result("test.shop.t", "fail") + ", " + idle));
    CHECK(shop.skipped("build") == 2);
  }
}

TEST_CASE("a function is not skipped by a run, which has nothing to do for it") {
  Shop shop;
  const auto rows = result("function.shop.f", "skipped");
  CHECK_FALSE(shop.after(results_of("run", rows)).nodes.contains("function.shop.f"));
  Shop other;
  CHECK(other.after(results_of("build", rows)).nodes.contains("function.shop.f"));
}

TEST_CASE("what was reused is neither a run nor skipped, whatever its version calls it") {
  const auto& [status, message] = GENERATE(table<std::string, std::string>(
      {{"reused", "No new changes on any upstreams"},
       {"skipped", "Skipped due to model reuse"},
       {"success", "Cloned from cached relation"},
       {"success", "Cloned from cached relation within freshness tolerance"}}));
  CAPTURE(status, message);
  Shop shop;
  const auto& history = shop.after(results_of("build", result("model.shop.a", status, message)))
                            .nodes.at("model.shop.a");
  CHECK(history.last.status == "reused");
  CHECK_FALSE(history.run_at);
  CHECK(shop.counts(R"(unique_id="model.shop.a",status="reused"} 1)"));
  CHECK_FALSE(shop.counts("dbt_execution_seconds_count"));
}

TEST_CASE("a source that could not be read has one status, however it is written") {
  for (const std::string status :
       {"runtime error", "RuntimeError", "runtime_error", "RUNTIME_ERROR", "Runtime Error"}) {
    CAPTURE(status);
    const auto text = freshness(1, "one", status);
    const auto found =
        read_freshness_results({"sources.json", [&](const auto& sink) { sink(text); }});
    REQUIRE(found.results.size() == 1);
    CHECK(found.results[0].status == "runtime error");
  }
}

TEST_CASE("freshness.json has the freshness of sources and of models") {
  Shop shop;
  const auto freshness_of = [](const std::string& invocation, const std::string& rows) {
    return metadata("freshness/v0", 3, invocation) + R"("results": [)" + rows + "]}";
  };
  const auto row = [](const std::string& id, const std::string& status) {
    return R"({"unique_id": ")" + id + R"(", "resource_type": ")" + id.substr(0, id.find('.')) +
           R"(", "status": ")" + status + R"(", "max_loaded_at": "2026-01-02T01:00:00Z",)" +
           R"( "snapshotted_at": "2026-01-02T03:03:00Z", "max_loaded_at_time_ago_in_s": 7380.0})";
  };
  const std::string source = "source.shop.app.events";
  shop.artifacts.put(Kind::freshness,
                     freshness_of("one", row(source, "Warn") + ", " + row("model.shop.a", "Pass")));
  update(shop.follower);
  const auto& project = shop.follower.project();
  CHECK(project.freshness.at(source).last.status == "warn");
  CHECK(project.freshness.at("model.shop.a").last.status == "pass");
  CHECK(project.freshness.at(source).at == project.freshness_at);
  CHECK(project.invocations.at("freshness").outcome == Outcome::success);
  CHECK(shop.counts(
      R"(dbt_invocations_total{project="shop",command="freshness",outcome="success"} 1)"));
  const auto restarted_at = [&] {
    Follower restarted("shop", shop.artifacts.lister(), shop.ledger);
    update(restarted);
    return restarted.project().freshness_at;
  };
  const auto measured_at = project.freshness_at;
  CHECK(restarted_at() == measured_at);
  // It has only models, so the freshness of sources does not change.
  shop.artifacts.put(Kind::freshness, freshness_of("two", row("model.shop.a", "Error")));
  update(shop.follower);
  CHECK(project.freshness.at("model.shop.a").last.status == "error");
  CHECK(project.freshness_at == measured_at);
  // The other command writes another file.
  shop.artifacts.put(Kind::sources, freshness(4, "three", "pass"));
  update(shop.follower);
  CHECK(project.freshness.at(source).last.status == "pass");
  CHECK(project.freshness.at(source).at == project.freshness_at);
  CHECK(restarted_at() == project.freshness_at);
}
