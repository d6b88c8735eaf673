// Artifacts with some unreadable rows.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "common/base/error.h"
#include "exporters/dbt/counters.h"
#include "exporters/dbt/follower.h"
#include "test_paths.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

Artifact artifact(std::string text) {
  return {"target/it.json", [text = std::move(text)](const auto& sink) { sink(text); }};
}

std::string document(std::string_view schema, std::string_view more) {
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/)" +
         std::string(schema) + R"(.json", "generated_at": "2026-01-02T03:04:05Z"}, )" +
         std::string(more) + '}';
}

std::string results(std::string_view more) { return document("run-results/v6", more); }

/// Sets the modification time to long ago, so that the file counts as completely written.
void write_long_ago(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

std::string page_of(Follower& follower) {
  follower.update(Deadline::in(std::chrono::minutes(1)));
  Samples samples;
  follower.add_to(samples);
  std::string page;
  samples.render(Format::text, page);
  return page;
}

}  // namespace

TEST_CASE("a variable of dbt's environment that is not UTF-8 costs itself") {
  const auto found = read_run_results(
      artifact(R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/)"
               R"(run-results/v6.json", "generated_at": "2026-01-02T03:04:05Z", "env": )"
               R"({"TEAM": "J\udcf6rg"}}, "results": [{"unique_id": "model.a.b", )"
               R"("status": "success"}]})"),
      {{"team", {"TEAM"}}});
  CHECK(found.results.size() == 1);
  CHECK(found.metadata.origin.empty());
}

TEST_CASE("a row that cannot be read is left out, and the others are taken") {
  for (const std::string_view row :
       {R"({"unique_id": "model.a.b", "status": "success", "execution_time": NaN})",
        R"({"unique_id": "model.a.b", "status": "success", "failures": 1e999})",
        R"({"unique_id": "model.a.b", "status": "error", "message": "\ud800"})",
        R"({"unique_id": "model.a.b", "status": 7})"}) {
    CAPTURE(row);
    const auto found = read_run_results(artifact(
        results(R"("results": [{"unique_id": "model.a.a", "status": "success"}, )" +
                std::string(row) + R"(, {"unique_id": "model.a.c", "status": "error"}])")));
    REQUIRE(found.results.size() == 2);
    CHECK(found.results[0].node == "model.a.a");
    CHECK(found.results[1].node == "model.a.c");
    CHECK(found.unread.parts == 1);
    CHECK(found.unread.error.starts_with("target/it.json: results[1]: "));
  }
  const auto nodes = read_manifest(artifact(document(
      "manifest/v12",
      R"("nodes": {"model.a.b": {"name": "b"}, "model.a.c": {"name": []}, "model.a.d": NaN})")));
  CHECK(nodes.nodes.size() == 1);
  CHECK(nodes.unread.parts == 2);
  CHECK(nodes.unread.error ==
        R"(target/it.json: nodes["model.a.c"]: name: expected string, got array)");
}

namespace {

/// Replaces the value with that number among those in «» of a document. Returns an empty text if
/// there are fewer.
std::string with_value(std::string_view marked, std::size_t number, std::string_view value) {
  constexpr std::string_view kBegin = "«", kEnd = "»";
  std::string text;
  bool is_there = false;
  for (std::size_t count = 0; !marked.empty(); ++count) {
    const auto begin = std::min(marked.find(kBegin), marked.size());
    text += marked.substr(0, begin);
    if (begin == marked.size()) break;
    marked.remove_prefix(begin + kBegin.size());
    const auto end = marked.find(kEnd);
    is_there |= count == number;
    text += count == number ? value : marked.substr(0, end);
    marked.remove_prefix(end + kEnd.size());
  }
  return is_there ? text : std::string();
}

constexpr std::string_view kBegin =
    R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/)";
constexpr std::string_view kMetadata =
    R"(.json", "generated_at": "2026-01-02T03:04:05Z", "env": «{"TEAM": "core"}»}, )";

}  // namespace

TEST_CASE("one value that cannot be read costs no more than its row, in each artifact") {
  const auto document = [](std::string_view schema, std::string_view more) {
    return std::string(kBegin).append(schema).append(kMetadata).append(more);
  };
  const std::pair<std::string, std::size_t (*)(const Artifact&)> kinds[] = {
      {document("run-results/v6", R"("elapsed_time": «1.5», "args": {"which": «"build"»,
        "invocation_command": «"dbt build"», "full_refresh": «true», "vars": «{"a": 1}»}, "results": [
        {"unique_id": «"model.a.a"», "status": «"success"», "execution_time": «1.5»,
         "timing": [{"name": «"execute"», "started_at": «"2026-01-02T03:04:05Z"»}],
         "adapter_response": {"rows_affected": «3»}, "failures": «null», "message": «"OK"»},
        {"unique_id": "model.a.b", "status": "success"},
        {"unique_id": "model.a.c", "status": "success"}]})"),
       [](const Artifact& it) { return read_run_results(it).results.size(); }},
      {document("sources/v3", R"("elapsed_time": «1.5», "results": [
        {"unique_id": «"source.a.a.a"», "status": «"pass"»,
         "max_loaded_at": «"2026-01-02T03:04:05Z"», "snapshotted_at": «"2026-01-02T03:04:05Z"»,
         "max_loaded_at_time_ago_in_s": «7.5», "criteria": «{}»},
        {"unique_id": "source.a.a.b", "status": "pass"},
        {"unique_id": "source.a.a.c", "status": "pass"}]})"),
       [](const Artifact& it) { return read_freshness_results(it).results.size(); }},
      {document("manifest/v12", R"("nodes": {"model.a.a": {"name": «"a"», "tags": «["x"]»,
         "config": {"materialized": «"table"»}, "depends_on": {"nodes": «["source.a.a.a"]»},
         "description": «"text"», "raw_code": «"select 1"»}, "model.a.b": {}},
        "sources": {"source.a.a.a": {"loaded_at_field": «"t"»,
         "freshness": {"warn_after": {"count": «1», "period": «"day"»}}}},
        "groups": {"group.a.g": {"owner": «{"email": "a@example.com"}»}}})"),
       [](const Artifact& it) { return read_manifest(it).nodes.size(); }},
      {document("catalog/v1", R"("nodes": {"model.a.a": {"stats": {"row_count": {"value": «7»}}},
         "model.a.b": {}, "model.a.c": {}}, "errors": «null»})"),
       [](const Artifact& it) { return read_catalog(it).tables.size(); }}};
  for (const auto& [marked, rows] : kinds) {
    for (const auto* value : {"NaN", "1e999", R"("\ud800")", "[]", "{}", "[[7]]", "7", "true",
                              "null", R"("x")", "-Infinity"}) {
      for (std::size_t number = 0;; ++number) {
        const auto text = with_value(marked, number, value);
        if (text.empty()) break;
        CAPTURE(value, number, text);
        std::size_t found = 0;
        CHECK_NOTHROW(found = rows(artifact(text)));
        CHECK(found >= 2);
      }
    }
  }
}

TEST_CASE("of the metadata only the schema and the time must be readable") {
  const auto found = read_run_results(artifact(
      R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",)"
      R"( "generated_at": "2026-01-02T03:04:05Z", "dbt_version": 7, "invocation_id": [],)"
      R"( "invocation_started_at": "yesterday", "project_name": {}, "adapter_type": true},)"
      R"( "results": [{"unique_id": "model.a.a", "status": "success"}]})"));
  CHECK(found.results.size() == 1);
  CHECK(found.metadata.schema_version == 6);
  CHECK(found.metadata.dbt_version.empty());
  CHECK(found.metadata.invocation_id.empty());
  CHECK_FALSE(found.metadata.invocation_started_at);
  CHECK(read_run_results(artifact(results(R"("elapsed_time": NaN)"))).unread.parts == 1);
}

TEST_CASE("an artifact of which no row can be read is refused") {
  const auto error = [](std::string_view more) {
    return error_of(Reason::decode, [&] { read_run_results(artifact(results(more))); });
  };
  CHECK(error(R"("results": [{"unique_id": 7}, {"unique_id": 8}])") ==
        "target/it.json: results[0]: unique_id: expected string, got number");
}

TEST_CASE("an artifact that could be read in part is shown, and called unreadable") {
  const TemporaryDirectory target;
  const auto path = target.path() / "run_results.json";
  const auto whole = read_file(fs::path(SOURCE_DIR) /
                               "tests/fixtures/dbt/recorded/dbt-1.11/02_build/run_results.json");
  auto part = whole;
  const std::string_view passed = R"("status": "success")";
  part.replace(part.find(passed), passed.size(), R"("status": 7)");
  Follower follower("shop", directories(target.path()),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto has = [&](const std::string& line) {
    return page_of(follower).find(line) != std::string::npos;
  };
  const auto readable = "dbt_artifact_readable{project=\"shop\",location=\"" +
                        target.path().string() + "\",artifact=\"run_results\"} ";
  const std::string failures =
      "dbt_artifact_read_failures_total{project=\"shop\",artifact=\"run_results\",reason="
      "\"decode\"} 1\n";

  write_long_ago(path, part);
  CHECK(has(readable + "0\n"));
  CHECK(has(failures));  // counted once, however often it is polled
  CHECK(follower.project().nodes.size() == 27);

  write_long_ago(path, whole);
  CHECK(has(readable + "1\n"));
  CHECK(has(failures));
  CHECK(follower.project().nodes.size() == 28);
}

TEST_CASE("what is cut short is unreadable at the first look, and later once it is left so") {
  const TemporaryDirectory target;
  target.write("sources.json", "{\"x");
  Follower follower("shop", directories(target.path()),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto readable = [&](const std::string& artifact) {
    const auto line = "artifact=\"" + artifact + "\"} 0\n";
    return page_of(follower).find(line) == std::string::npos;
  };
  CHECK_FALSE(readable("sources"));
  const fs::path path = target.write("catalog.json", "{\"x");
  const auto until = fs::last_write_time(path) + std::chrono::seconds(10);
  const bool is_awaited = readable("catalog");
  CHECK((is_awaited || fs::file_time_type::clock::now() >= until));
  write_long_ago(path, "{\"x");
  CHECK_FALSE(readable("catalog"));
}

TEST_CASE("what left rows that cannot be read failed, unless dbt's log says that it succeeded") {
  const auto outcome = [](Kind kind, const std::string& text, End end) {
    Listed listed;
    listed.put(kind, text, end);
    Follower follower("shop", listed.lister(), SharedLedger(std::make_shared<Ledger>("dbt", "")));
    follower.update(Deadline::in(std::chrono::minutes(1)));
    REQUIRE(follower.project().invocations.size() == 1);
    return follower.project().invocations.begin()->second.outcome;
  };
  const std::string rows =
      R"("results": [{"unique_id": "model.a.a", "status": "success"}, {"unique_id": "model.a.b",
         "status": 7}])";
  const std::pair<Kind, std::string> artifacts[] = {
      {Kind::run_results, results(R"("args": {"which": "run"}, )" + rows)},
      {Kind::sources, document("sources/v3", rows)}};
  for (const auto& [kind, text] : artifacts) {
    CHECK(outcome(kind, text, End::untold) == Outcome::failure);
    CHECK(outcome(kind, text, End::awaited) == Outcome::failure);
    CHECK(outcome(kind, text, End::failure) == Outcome::failure);
    CHECK(outcome(kind, text, End::success) == Outcome::success);
  }
  // An unreadable value outside the rows says nothing about the outcome.
  const auto beside = results(R"("args": {"which": "run"}, "elapsed_time": NaN, "results": [])");
  CHECK(outcome(Kind::run_results, beside, End::untold) == Outcome::success);
}

TEST_CASE("what the ledger would refuse is left out, and the others are counted") {
  const TemporaryDirectory target;
  const auto path = target.path() / "run_results.json";
  const std::string longest(500, 'x');
  const auto row = [](const std::string& node, const std::string& status,
                      const std::string& seconds) {
    return R"({"unique_id": ")" + node + R"(", "status": ")" + status + R"(", "execution_time": )" +
           seconds + "}, ";
  };
  const auto text =
      document("run-results/v6",
               R"("args": {"which": "run"}, "results": [)" + row(longest + 'x', "success", "1") +
                   row("model.a.a", longest + 'x', "1") + row(longest, "success", "1") +
                   row("model.a.b", "success", "1e300") +
                   R"({"unique_id": "model.a.c", "status": "success"}])");
  auto with_longest_id = text;
  const std::string_view before = R"("generated_at")";
  with_longest_id.insert(text.find(before), R"("invocation_id": ")" + longest + "\", ");
  write_long_ago(path, with_longest_id);
  Ledger::Options options;
  options.past = Ledger::wall_clock().time_since_epoch();
  const SharedLedger ledger(std::make_shared<Ledger>("dbt", ""), options);
  Follower follower("shop", directories(target.path()), ledger);
  follower.update(Deadline::in(std::chrono::minutes(1)));
  const std::set<std::string, std::less<>> taken = {longest, "model.a.b", "model.a.c"};
  Samples samples;
  add_counters(samples, follower.ledger(), taken);
  std::string page;
  samples.render(Format::text, page);
  CHECK(follower.project().nodes.size() == 3);
  for (const auto& node : taken) {
    CAPTURE(node);
    CHECK(page.find("dbt_node_runs_total{project=\"shop\",unique_id=\"" + node +
                    "\",status=\"success\"} 1\n") != std::string::npos);
  }
  CHECK(page_of(follower).find("artifact=\"run_results\"} 0\n") != std::string::npos);
}
