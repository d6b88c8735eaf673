#include <catch2/catch.hpp>

#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

/// A line for each finding, bad ones with "! ".
std::string checked(ProjectSource& project) {
  std::string text;
  for (const auto& finding : check_project(project, {}, Deadline::in(std::chrono::minutes(1)))) {
    text += (finding.is_good ? "" : "! ") + finding.what + ": " + finding.text + "\n";
  }
  return text;
}

std::string checked(const std::string& target) {
  return checked(*project_of("target: '" + target + "'"));
}

}  // namespace

TEST_CASE("a check names the newest artifact of each kind, and the command for a missing one") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "a");
  fs::create_directories(directory.path() / "b");
  const auto path = directory.path().string();
  const auto now = fs::file_time_type::clock::now();
  fs::last_write_time(directory.write("a/run_results.json", results(2, "two", "success")), now);
  fs::last_write_time(directory.write("b/run_results.json", results(1, "one", "success")),
                      now - std::chrono::minutes(1));
  CHECK(checked(path + "/*") == "manifest: none; dbt parse writes it\nrun_results: " + path +
                                    "/a: written at 2026-01-02T03:02:00.000Z, and 1 more\n"
                                    "sources: none; dbt source freshness writes it\n"
                                    "catalog: none; dbt docs generate writes it\n");
}

TEST_CASE("a check names each artifact that cannot be read") {
  const TemporaryDirectory directory;
  const auto path = directory.path().string();
  directory.write("manifest.json", "{");
  directory.write("run_results.json",
                  metadata("run-results/v6", 1, "one") +
                      R"("results": [{"unique_id": "model.shop.a", "status": "success"}, 1]})");
  const auto text = checked(path);
  CHECK_THAT(text, Catch::StartsWith("! manifest: " + path + "/manifest.json: "));
  CHECK_THAT(text, Catch::Contains("\n! run_results: parts left out: 1, the first: " + path +
                                   "/run_results.json: "));
}

TEST_CASE("a check reads only the newest artifact of each kind from a remote source") {
  auto project = *project_of("url: 'http://127.0.0.1:1'");
  Listed artifacts;
  artifacts.put(Kind::run_results, "{", true, "first");
  artifacts.put(Kind::run_results, results(1, "one", "success"), true, "second");
  project.list = artifacts.lister();
  CHECK_THAT(checked(project),
             Catch::Contains("run_results: second: written at 2026-01-02T03:01:00.000Z\n"));
  CHECK(artifacts.reads() == std::vector{1});
}

TEST_CASE("a check says why there is nothing to read") {
  const TemporaryDirectory directory;
  const auto gone = directory.path().string() + "/gone";
  CHECK(checked(gone) ==
        "! artifacts: no artifacts in " + gone + ": the directory does not exist\n");
  CHECK_THAT(checked(*project_of("url: 'http://127.0.0.1:1'")),
             Catch::StartsWith("! artifacts: HEAD http://127.0.0.1:1/manifest.json: "));
}
