// What dbt never wrote on purpose: files that are cut short, of the wrong kind, of wrong types. A
// real artifact stays in the target folder as the last good one.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/error.h"
#include "exporters/dbt/follower.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_folder.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

const fs::path kBuild = fs::path(SOURCE_DIR) / "tests/fixtures/dbt/recorded/dbt-1.11/02_build";

/// Read in pieces of 1000 bytes.
Artifact artifact(std::string text) {
  return {"target/it.json", [text = std::move(text)](const auto& sink) {
            for (std::size_t at = 0; at < text.size(); at += 1000) {
              sink(std::string_view(text).substr(at, 1000));
            }
          }};
}

std::string results(std::string_view more) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
             "generated_at": "2026-01-02T03:04:05Z"}, )" +
         std::string(more) + '}';
}

std::string manifest(std::string_view more) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
             "generated_at": "2026-01-02T03:04:05Z"}, )" +
         std::string(more) + '}';
}

std::string results_error(const std::string& text) {
  return error_of(Reason::decode, [&] { read_run_results(artifact(text)); });
}
std::string manifest_error(const std::string& text) {
  return error_of(Reason::decode, [&] { read_manifest(artifact(text)); });
}

std::string page_of(Follower& follower) {
  follower.update(Deadline::in(std::chrono::minutes(1)));
  Samples samples;
  follower.add_to(samples);
  std::string page, lines;
  samples.render(Format::text, page);
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at);
    if (page[at] != '#') lines += page.substr(at, end - at + 1);
    at = end + 1;
  }
  return lines;
}

}  // namespace

TEST_CASE("results that are cut short are never taken for whole") {
  const auto text = read_file(kBuild / "run_results.json");
  for (std::size_t size = 0; size < text.size(); size += 10) {
    CAPTURE(size);
    CHECK(results_error(text.substr(0, size)) ==
          "target/it.json: not valid JSON: it ends too early");
  }
}

TEST_CASE("a manifest that is cut short is never taken for whole") {
  const auto text = read_file(kBuild / "manifest.json");
  for (std::size_t size = 0; size < text.size(); size += text.size() / 200) {
    CAPTURE(size);
    CHECK(manifest_error(text.substr(0, size)) ==
          "target/it.json: not valid JSON: it ends too early");
  }
}

TEST_CASE("an artifact in place of another is refused") {
  CHECK(results_error(manifest(R"("nodes": {})")) ==
        "target/it.json: metadata: dbt_schema_version: expected the schema of run-results");
  CHECK(manifest_error(results(R"("results": [])")) ==
        "target/it.json: metadata: dbt_schema_version: expected the schema of manifest");
  CHECK(results_error("{}") == "target/it.json: metadata: missing");
  CHECK(results_error("[]") == "target/it.json: metadata: missing");
  CHECK(results_error(R"({"metadata": {}})") ==
        "target/it.json: metadata: dbt_schema_version: missing");
  CHECK(results_error(R"({"metadata": {"dbt_schema_version": "v6"}})") ==
        "target/it.json: metadata: dbt_schema_version: expected "
        ".../<artifact>/v<version>.json, got another text");
  CHECK(results_error(R"({"metadata": []})") ==
        "target/it.json: metadata: expected object, got array");
}

TEST_CASE("values of wrong types are named with their place") {
  CHECK(results_error(results(R"("results": [{"unique_id": 7}])")) ==
        "target/it.json: results[0]: unique_id: expected string, got number");
  CHECK(results_error(results(R"("results": [{"unique_id": "model.a.b", "status": null}])")) ==
        "target/it.json: results[0]: status: expected a value, got null");
  CHECK(results_error(results(
            R"("results": [{"unique_id": "m", "status": "s", "timing": [{"name": "execute",
                "started_at": "yesterday"}]}])")) ==
        "target/it.json: results[0]: timing[0].started_at: expected time (RFC 3339), got another "
        "string");
  CHECK(results_error(results(R"("elapsed_time": "1")")) ==
        "target/it.json: elapsed_time: expected number, got string");
  CHECK(manifest_error(manifest(R"("nodes": {"model.a.b": {"name": []}})")) ==
        R"(target/it.json: nodes["model.a.b"]: name: expected string, got array)");
  CHECK(manifest_error(manifest(R"("sources": {"source.a.b": {"loaded_at_field": "t",
            "freshness": {"warn_after": {"count": 1, "period": "week"}}}})")) ==
        R"(target/it.json: sources["source.a.b"]: freshness.warn_after: expected the period )"
        "minute, hour or day");
}

TEST_CASE("what dbt leaves out or writes as null is absent") {
  const auto found = read_run_results(artifact(results(
      R"("args": {}, "results": [{"unique_id": "model.a.b", "status": "success", "timing": null,
         "failures": null, "adapter_response": {"rows_affected": "-1", "bytes_processed": "12"}},
         {"unique_id": "test.a.c", "status": "fail", "message": 3, "timing": [{"name": "execute",
         "started_at": null}], "adapter_response": null}])")));
  REQUIRE(found.results.size() == 2);
  CHECK(found.command.empty());
  CHECK(found.are_real());
  CHECK_FALSE(found.results[0].rows_affected);
  CHECK(found.results[0].bytes_processed == 12);
  CHECK_FALSE(found.results[0].completed_at);
  CHECK(found.results[1].failures == 3);
  CHECK(read_manifest(artifact(manifest(R"("nodes": null, "sources": {})"))).nodes.empty());
}

TEST_CASE("of nodes with the same id the first one counts") {
  const auto found = read_manifest(artifact(
      manifest(R"("nodes": {"model.a.b": {"name": "first"}, "model.a.b": {"name": "second"}})")));
  REQUIRE(found.nodes.size() == 1);
  CHECK(found.nodes.begin()->second.name == "first");
  CHECK(found.duplicates == 1);
}

TEST_CASE("a bad artifact is counted once, the last good one stays until there is a better one") {
  const TemporaryFolder target;
  const auto path = target.path() / "run_results.json";
  const auto whole = read_file(kBuild / "run_results.json");
  Follower follower("shop", folders(target.path()),
                    std::make_shared<Ledger>("dbt", "", Ledger::Options{}));
  CHECK(page_of(follower) == "dbt_up{project=\"shop\"} 0\n");

  const auto labels =
      "{project=\"shop\",location=\"" + target.path().string() + "\",artifact=\"run_results\"} ";
  const auto good = "dbt_artifact_timestamp_seconds" + labels + "1795361058.169183\n" +
                    "dbt_artifact_size_bytes" + labels + "18634\n" + "dbt_artifact_schema_version" +
                    labels + "6\n";
  const std::string failures =
      "dbt_artifact_read_failures_total{project=\"shop\",artifact=\"run_results\",reason="
      "\"decode\"} ";
  const std::string up = "dbt_up{project=\"shop\"} 1\n",
                    readable = "dbt_artifact_readable" + labels;

  std::ofstream(path) << whole.substr(0, 1000);
  const auto bad_alone = up + readable + "0\n" + failures + "1\n";
  CHECK(page_of(follower) == bad_alone);
  CHECK(page_of(follower) == bad_alone);

  std::ofstream(path) << whole;
  CHECK(page_of(follower) == up + readable + "1\n" + good + failures + "1\n");
  CHECK(follower.project().nodes.size() == 28);

  std::ofstream(path) << whole.substr(0, 2000);
  CHECK(page_of(follower) == up + readable + "0\n" + good + failures + "2\n");
  CHECK(follower.project().nodes.size() == 28);
}

TEST_CASE("a place that cannot be looked into is down, and counted") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path() / "target/manifest.json");
  Follower follower("shop", folders(folder.path() / "tar*"),
                    std::make_shared<Ledger>("dbt", "", Ledger::Options{}));
  CHECK(page_of(follower) ==
        "dbt_up{project=\"shop\"} 0\n"
        "dbt_artifact_read_failures_total{project=\"shop\",artifact=\"\",reason=\"io\"} 1\n");
}
