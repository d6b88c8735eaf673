// A project keeps the last real result of each node, in whatever order results arrive.

#include "exporters/dbt/project.h"

#include <catch2/catch.hpp>

using namespace exporter::dbt;

namespace {

using Statuses = std::vector<std::pair<std::string, std::string>>;  // by node

Time at(int minute) { return Time(std::chrono::hours(500'000) + std::chrono::minutes(minute)); }

Result result(const std::string& node, const std::string& status, int minute) {
  Result result;
  result.node = node;
  result.status = status;
  if (status != "skipped") result.completed_at = at(minute);
  return result;
}

/// The results of a command that ended in that minute.
RunResults run(const std::string& command, int minute, const Statuses& statuses) {
  RunResults results;
  results.command = command;
  results.metadata.invocation_id = "invocation-" + std::to_string(minute);
  results.metadata.generated_at = results.metadata.ordered_at = at(minute);
  for (const auto& [node, status] : statuses) {
    results.results.push_back(result(node, status, minute));
  }
  return results;
}

RunResults retry(const std::string& command, int minute, const Statuses& statuses) {
  auto results = run(command, minute, statuses);
  results.is_retry = true;
  return results;
}

/// "status@minute failures=n run@minute success@minute", the minutes counted from at(0).
std::string summary(const Project& project, const std::string& node) {
  const auto found = project.nodes.find(node);
  if (found == project.nodes.end()) return "unknown";
  const auto minute = [](Time time) {
    return '@' +
           std::to_string(std::chrono::duration_cast<std::chrono::minutes>(time - at(0)).count());
  };
  const auto& history = found->second;
  auto text = history.last.status + minute(history.at) +
              " failures=" + std::to_string(history.consecutive_failures);
  if (history.run_at) text += " run" + minute(*history.run_at);
  if (history.success_at) text += " success" + minute(*history.success_at);
  return text;
}

const std::string kA = "model.shop.a", kB = "model.shop.b", kTest = "test.shop.not_null_a";

Project after(const std::vector<RunResults>& all) {
  Project project;
  for (const auto& results : all) apply_run_results(project, results);
  return project;
}

}  // namespace

TEST_CASE("a partial run changes what it ran, and nothing else") {
  const auto project = after({run("build", 1, {{kA, "success"}, {kB, "error"}, {kTest, "fail"}}),
                              run("run", 2, {{kB, "success"}})});
  CHECK(summary(project, kA) == "success@1 failures=0 run@1 success@1");
  CHECK(summary(project, kB) == "success@2 failures=0 run@2 success@2");
  CHECK(summary(project, kTest) == "fail@1 failures=1 run@1");
}

TEST_CASE("a retry is a command of its own, whose results are real") {
  const auto project = after({run("build", 1, {{kA, "error"}, {kB, "skipped"}}),
                              retry("build", 2, {{kA, "error"}, {kB, "skipped"}}),
                              retry("build", 3, {{kA, "success"}, {kB, "success"}})});
  CHECK(summary(project, kA) == "success@3 failures=0 run@3 success@3");
  CHECK(summary(project, kB) == "success@3 failures=0 run@3 success@3");
  CHECK(project.invocations.size() == 2);
  CHECK(project.invocations.at("build").outcome == Outcome::failure);
  CHECK(project.invocations.at("retry").outcome == Outcome::success);
}

TEST_CASE("what only compiles, lists, clones or shows nodes hides no result") {
  const auto truth = run("build", 1, {{kA, "error"}, {kTest, "fail"}});
  for (const auto* command :
       {"compile", "docs generate", "clone", "show", "run-operation", "list"}) {
    CAPTURE(command);
    const auto project = after({truth, run(command, 2, {{kA, "success"}, {kTest, "success"}})});
    CHECK(summary(project, kA) == "error@1 failures=1 run@1");
    CHECK(summary(project, kTest) == "fail@1 failures=1 run@1");
    CHECK(project.invocations.at(command).metadata.generated_at == at(2));
  }
}

TEST_CASE("results that do not say their command are real when something shows it") {
  const auto truth = run("build", 1, {{kA, "error"}});
  CHECK(summary(after({truth, run("", 2, {{kA, "success"}})}), kA) == "error@1 failures=1 run@1");
  CHECK(summary(after({truth, run("", 2, {{kA, "success"}, {kTest, "pass"}})}), kA) ==
        "success@2 failures=0 run@2 success@2");
}

TEST_CASE("results that come a second time change nothing") {
  const auto first = run("build", 1, {{kA, "error"}}), second = run("build", 2, {{kA, "error"}});
  CHECK(summary(after({first, first, second, second, first}), kA) == "error@2 failures=2 run@2");
}

TEST_CASE("results that come late change nothing that is newer") {
  const auto old = run("build", 1, {{kA, "success"}, {kB, "error"}});
  const auto recent = run("run", 2, {{kA, "error"}});
  const auto project = after({recent, old});
  CHECK(summary(project, kA) == "error@2 failures=1 run@2");
  CHECK(summary(project, kB) == "error@1 failures=1 run@1");
  const auto late = after({run("build", 5, {{kA, "success"}}), run("build", 3, {{kA, "error"}})});
  CHECK(late.invocations.at("build").metadata.invocation_id == "invocation-5");
  CHECK(late.has_results_of("invocation-5"));
  CHECK(late.has_results_of("invocation-3"));
  CHECK_FALSE(late.has_results_of("invocation-4"));
}

TEST_CASE("failures in a row are counted over what is skipped, up to what does not fail") {
  std::vector<RunResults> all;
  const auto expect = [&](const std::string& status, const std::string& summary_then) {
    const auto minute = static_cast<int>(all.size()) + 1;
    all.push_back(run("test", minute, {{kTest, status}}));
    CAPTURE(minute, status);
    CHECK(summary(after(all), kTest) == summary_then);
  };
  expect("pass", "pass@1 failures=0 run@1 success@1");
  expect("fail", "fail@2 failures=1 run@2 success@1");
  expect("error", "error@3 failures=2 run@3 success@1");
  expect("skipped", "skipped@4 failures=2 run@3 success@1");
  expect("fail", "fail@5 failures=3 run@5 success@1");
  expect("warn", "warn@6 failures=0 run@6 success@1");
  expect("sublime", "sublime@7 failures=0 run@7 success@1");
  expect("pass", "pass@8 failures=0 run@8 success@8");
}

TEST_CASE("a model that warns was made, a partial success and no-op were not") {
  const auto project = after({run("run", 1, {{kA, "warn"}, {kB, "partial success"}}),
                              run("run", 2, {{kB, "partial success"}}),
                              run("run", 3, {{"exposure.shop.e", "no-op"}})});
  CHECK(summary(project, kA) == "warn@1 failures=0 run@1 success@1");
  CHECK(summary(project, kB) == "partial success@2 failures=2 run@2");
  CHECK(summary(project, "exposure.shop.e") == "no-op@3 failures=0");
}

TEST_CASE("an older manifest does not replace a newer one") {
  Project project;
  const auto manifest = [](int minute, const std::string& node) {
    Manifest made;
    made.metadata.ordered_at = at(minute);
    made.nodes[node].unique_id = node;
    return made;
  };
  apply_manifest(project, manifest(2, kA));
  apply_manifest(project, manifest(1, kB));
  CHECK(project.manifest->nodes.contains(kA));
  apply_manifest(project, manifest(3, kB));
  CHECK(project.manifest->nodes.contains(kB));
}

TEST_CASE("the newest row of a source stays known while its table cannot be read") {
  const std::string source = "source.shop.app.events";
  Project project;
  const auto& history = project.freshness[source];
  const auto find = [&](int minute, const std::string& status, std::optional<Time> newest_row) {
    FreshnessResults found;
    found.metadata.invocation_id = status + std::to_string(minute);
    found.metadata.generated_at = found.metadata.ordered_at = at(minute);
    auto& result = found.results.emplace_back();
    result.source = source;
    result.status = status;
    result.max_loaded_at = newest_row;
    if (status != "runtime error") result.snapshotted_at = at(minute);
    result.is_empty = status == "error" && !newest_row;
    apply_freshness(project, found);
  };
  find(1, "pass", at(0));
  find(2, "runtime error", std::nullopt);
  CHECK(history.last.status == "runtime error");
  CHECK(history.last.max_loaded_at == at(0));
  CHECK(history.last.snapshotted_at == at(1));
  CHECK(project.invocations.at("source freshness").outcome == Outcome::failure);
  find(3, "error", std::nullopt);
  CHECK_FALSE(history.last.max_loaded_at);
  CHECK(history.last.snapshotted_at == at(3));
  find(4, "runtime error", std::nullopt);
  CHECK(history.last.snapshotted_at == at(3));
  find(5, "error", std::nullopt);
  find(2, "pass", at(1));
  CHECK(history.last.status == "error");
  CHECK(project.freshness_at == at(5));
}

TEST_CASE("a test of several nodes belongs to whom they all belong to") {
  const auto node = [](const std::string& name, const std::string& more) {
    return "\"" + name + "\": {" + more + "}";
  };
  const std::string both = R"("depends_on": {"nodes": ["model.shop.a", "model.shop.b"]})",
                    other = R"("depends_on": {"nodes": ["model.shop.a", "model.shop.c"]})",
                    gone = R"("depends_on": {"nodes": ["model.shop.a", "model.shop.gone"]})";
  const std::string text =
      R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",)"
      R"( "generated_at": "2026-01-02T03:04:05Z"}, "nodes": {)" +
      node("model.shop.a", R"("meta": {"owner": "ann"})") + ", " +
      node("model.shop.b", R"("meta": {"owner": "ann"})") + ", " +
      node("model.shop.c", R"("meta": {"owner": "cem"})") + ", " + node("test.shop.ab", both) +
      ", " + node("test.shop.ac", other) + ", " + node("test.shop.gone", gone) + ", " +
      node("model.shop.d", both) + "}}";
  const auto manifest = read_manifest({"manifest.json", [&](const auto& sink) { sink(text); }});
  const auto owner = [&](const std::string& id) { return manifest.nodes.at(id).owner; };
  CHECK(owner("test.shop.ab") == "ann");
  CHECK(owner("test.shop.ac").empty());
  CHECK(owner("test.shop.gone").empty());
  CHECK(owner("model.shop.d").empty());
}
