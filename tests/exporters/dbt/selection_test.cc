#include <catch2/catch.hpp>

#include "exporters/dbt/families.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

using Flags = std::map<std::string, std::vector<std::string>>;
using Ids = std::vector<std::string>;

Node node(std::string unique_id, std::string package, std::string path,
          std::vector<std::string> tags) {
  Node node;
  node.resource_type = resource_type_of(unique_id);
  node.unique_id = std::move(unique_id);
  node.package = std::move(package);
  node.path = std::move(path);
  node.tags = std::move(tags);
  return node;
}

Project project(const std::vector<Node>& nodes) {
  Project project;
  project.name = "shop";
  Manifest manifest;
  for (const auto& node : nodes) manifest.nodes.emplace(node.unique_id, node);
  project.manifest = std::make_shared<const Manifest>(std::move(manifest));
  return project;
}

Project shop() {
  return project({node("exposure.shop.report", "shop", "models/exposures.yml", {}),
                  node("model.shop.a", "shop", "models/marts/a.sql", {"nightly", "finance"}),
                  node("model.shop.b", "shop", "models/staging/b.sql", {"nightly"}),
                  node("model.utils.days", "utils", "models/days.sql", {}),
                  node("source.shop.app.events", "shop", "models/sources.yml", {"pii"}),
                  node("test.shop.unique_a", "shop", "models/marts/a.yml", {"finance", "slow"})});
}

/// The chosen nodes, followed by the number of dropped ones.
std::pair<Ids, std::size_t> choose(const Project& project, const Flags& flags) {
  const Settings settings(Selection::flags(), flags, nullptr);
  Samples samples;
  auto chosen = Selection(settings).choose(project, samples);
  return {std::move(chosen), samples.dropped()};
}

Ids shown(const Flags& flags) { return choose(shop(), flags).first; }

/// The node's only result.
void let_run(Project& project, const std::string& unique_id, const std::string& status) {
  RunResults results;
  results.command = "build";
  results.metadata.generated_at = Time(std::chrono::hours(1));
  auto& result = results.results.emplace_back();
  result.node = unique_id;
  result.status = status;
  apply_run_results(project, results);
}

}  // namespace

TEST_CASE("without flags all nodes are shown") {
  CHECK(choose(shop(), {}) ==
        std::pair(Ids{"exposure.shop.report", "model.shop.a", "model.shop.b", "model.utils.days",
                      "source.shop.app.events", "test.shop.unique_a"},
                  std::size_t{0}));
}

TEST_CASE("nodes are chosen by package, resource type and path") {
  CHECK(shown({{"nodes.package-include", {"utils"}}}) == Ids{"model.utils.days"});
  CHECK(shown({{"nodes.package-include", {"util"}}}).empty());
  CHECK(shown({{"nodes.package-exclude", {"shop|other"}}}) == Ids{"model.utils.days"});
  CHECK(shown({{"nodes.resource-type-include", {"model|test"}}}) ==
        Ids{"model.shop.a", "model.shop.b", "model.utils.days", "test.shop.unique_a"});
  CHECK(shown({{"nodes.resource-type-exclude", {"model|test|exposure"}}}) ==
        Ids{"source.shop.app.events"});
  CHECK(shown({{"nodes.path-include", {"^models/marts/"}}}) ==
        Ids{"model.shop.a", "test.shop.unique_a"});
  CHECK(shown({{"nodes.path-exclude", {"\\.yml$"}}}) ==
        Ids{"model.shop.a", "model.shop.b", "model.utils.days"});
}

TEST_CASE("by tag a node is shown that has an included one and no excluded one") {
  CHECK(shown({{"nodes.tag-include", {"nightly"}}}) == Ids{"model.shop.a", "model.shop.b"});
  CHECK(shown({{"nodes.tag-include", {"nightly"}}, {"nodes.tag-exclude", {"finance"}}}) ==
        Ids{"model.shop.b"});
  CHECK(shown({{"nodes.tag-exclude", {"finance|pii"}}}) ==
        Ids{"exposure.shop.report", "model.shop.b", "model.utils.days"});
  CHECK(shown({{"nodes.tag-include", {"night"}}}).empty());
}

TEST_CASE("all filters hold together") {
  CHECK(shown({{"nodes.package-include", {"shop"}},
               {"nodes.resource-type-exclude", {"exposure"}},
               {"nodes.path-exclude", {"staging"}},
               {"nodes.tag-exclude", {"pii"}}}) == Ids{"model.shop.a", "test.shop.unique_a"});
}

TEST_CASE("beyond the limit those that fail stay first, then those that ran, and the rest counts") {
  auto project = shop();
  let_run(project, "test.shop.unique_a", "fail");
  let_run(project, "model.utils.days", "success");
  let_run(project, "model.shop.b", "skipped");
  const auto with_limit = [&](const std::string& limit) {
    return choose(project, {{"nodes.limit", {limit}}});
  };
  CHECK(with_limit("0") == std::pair(Ids{}, std::size_t{6}));
  CHECK(with_limit("1") == std::pair(Ids{"test.shop.unique_a"}, std::size_t{5}));
  CHECK(with_limit("4") == std::pair(Ids{"test.shop.unique_a", "model.shop.b", "model.utils.days",
                                         "exposure.shop.report"},
                                     std::size_t{2}));
  CHECK(with_limit("6").second == 0);
}

TEST_CASE("sources that are late or in error, and what warns, stay before what is well") {
  auto project = shop();
  let_run(project, "model.shop.a", "success");
  let_run(project, "model.utils.days", "success");
  let_run(project, "test.shop.unique_a", "warn");
  const auto measure = [&](const std::string& source, const std::string& status) {
    auto manifest = *project.manifest;
    manifest.nodes[source] = node(source, "shop", "s.yml", {});
    project.manifest = std::make_shared<const Manifest>(std::move(manifest));
    auto& last = project.freshness[source].last;
    last.source = source;
    last.status = status;
  };
  measure("source.shop.raw.late", "warn");
  measure("source.shop.raw.broken", "runtime error");
  measure("source.shop.raw.well", "pass");
  CHECK(
      choose(project, {{"nodes.limit", {"4"}}}).first ==
      Ids{"source.shop.raw.broken", "source.shop.raw.late", "test.shop.unique_a", "model.shop.a"});
}

TEST_CASE("what does not pass a filter takes no place of the limit") {
  CHECK(choose(shop(), {{"nodes.limit", {"2"}}, {"nodes.resource-type-include", {"model"}}}) ==
        std::pair(Ids{"model.shop.a", "model.shop.b"}, std::size_t{1}));
}

TEST_CASE("of 84,000 nodes the limit keeps each that fails") {
  std::vector<Node> nodes;
  for (int i = 0; i < 84'000; ++i) {
    nodes.push_back(node("model.shop.m" + std::to_string(100'000 + i), "shop", "m.sql", {}));
  }
  auto large = project(nodes);
  Ids failing;
  for (int i = 0; i < 84'000; i += 7)
    failing.push_back(nodes[static_cast<std::size_t>(i)].unique_id);
  for (const auto& id : failing) let_run(large, id, "error");
  const auto [chosen, dropped] = choose(large, {});
  REQUIRE(chosen.size() == 20'000);
  CHECK(dropped == 64'000);
  CHECK(std::equal(failing.begin(), failing.end(), chosen.begin()));
  CHECK(chosen[failing.size()] == "model.shop.m100001");
}

TEST_CASE("without a manifest the ids of the results tell package and type") {
  Project project;
  let_run(project, "model.shop.a", "success");
  let_run(project, "test.utils.unique_a.0a1b2c", "pass");
  CHECK(choose(project, {}).first == Ids{"model.shop.a", "test.utils.unique_a.0a1b2c"});
  CHECK(choose(project, {{"nodes.package-include", {"utils"}}}).first ==
        Ids{"test.utils.unique_a.0a1b2c"});
  CHECK(choose(project, {{"nodes.resource-type-exclude", {"test"}}}).first == Ids{"model.shop.a"});
  CHECK(choose(project, {{"nodes.path-include", {"models"}}}).first.empty());
}
