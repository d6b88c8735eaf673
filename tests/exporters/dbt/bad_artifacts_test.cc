// Truncated artifacts, and artifacts of the wrong kind or with values of wrong types.

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "common/base/error.h"
#include "exporters/dbt/follower.h"
#include "test_paths.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/error_of.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"

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

/// Updates; returns the error, if any, and the samples.
std::string page_of(Follower& follower) {
  const auto error = update(follower);
  Samples samples;
  follower.add_to(samples);
  std::string page, lines = error ? error->what() + std::string("\n") : "";
  samples.render(Format::text, page);
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at);
    if (page[at] != '#') lines += page.substr(at, end - at + 1);
    at = end + 1;
  }
  return lines;
}

std::size_t resident_bytes() {
  std::size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096;
}

/// Sets the modification time to long ago, so that the file counts as completely written.
void write_long_ago(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
}

/// Removes all permissions of a file or directory, and root's privileges of this process, until
/// destruction.
class Closed {
 public:
  explicit Closed(const fs::path& path) : path_(path), rights_(fs::status(path).permissions()) {
    fs::permissions(path, fs::perms::none);
    if (is_root_) REQUIRE(::seteuid(kNobody) == 0);
  }
  ~Closed() {
    if (is_root_) {
      if (::seteuid(0) != 0) std::abort();
      ::prctl(PR_SET_DUMPABLE, 1);  // a change of user clears it; leak checkers need it
    }
    fs::permissions(path_, rights_);
  }
  Closed(const Closed&) = delete;
  Closed& operator=(const Closed&) = delete;

 private:
  static constexpr ::uid_t kNobody = 65534;
  fs::path path_;
  fs::perms rights_;
  bool is_root_ = ::geteuid() == 0;
};

}  // namespace

TEST_CASE("results that are cut short are never taken for whole") {
  const auto text = read_file(kBuild / "run_results.json");
  for (std::size_t size = 0; size < text.size(); size += 10) {
    CAPTURE(size);
    CHECK(results_error(text.substr(0, size)) == "target/it.json: not valid JSON: unexpected end");
  }
}

TEST_CASE("a manifest that is cut short is never taken for whole") {
  const auto text = read_file(kBuild / "manifest.json");
  for (std::size_t size = 0; size < text.size(); size += text.size() / 200) {
    CAPTURE(size);
    CHECK(manifest_error(text.substr(0, size)) == "target/it.json: not valid JSON: unexpected end");
  }
}

TEST_CASE("sources and a catalog that are cut short are never taken for whole") {
  const auto sources = read_file(kBuild.parent_path() / "06_source_freshness/sources.json");
  const auto catalog = read_file(kBuild.parent_path() / "08_docs_generate/catalog.json");
  for (std::size_t size = 0; size < sources.size(); size += 10) {
    CAPTURE(size);
    CHECK(error_of(Reason::decode, [&] {
            read_freshness_results(artifact(sources.substr(0, size)));
          }) == "target/it.json: not valid JSON: unexpected end");
  }
  for (std::size_t size = 0; size < catalog.size(); size += 10) {
    CAPTURE(size);
    CHECK(error_of(Reason::decode, [&] { read_catalog(artifact(catalog.substr(0, size))); }) ==
          "target/it.json: not valid JSON: unexpected end");
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
  CHECK(manifest_error(manifest(R"("nodes": {"model.a.b": {"name": []}})")) ==
        R"(target/it.json: nodes["model.a.b"]: name: expected string, got array)");
  CHECK(manifest_error(manifest(R"("nodes": [{"name": "b"}])")) ==
        "target/it.json: nodes[0]: expected the member of an object, got an item");
  const auto number = manifest(R"("nodes": 7)");
  CHECK(manifest_error(number) == "target/it.json: nodes: expected an object or an array at byte " +
                                      std::to_string(number.find('7') + 1));
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

TEST_CASE("a version of a schema that is not known yet is read as those that are") {
  auto text = results(R"("results": [{"unique_id": "model.a.b", "status": "sublime"}])");
  text.replace(text.find("v6.json"), 7, "v99.json");
  const auto found = read_run_results(artifact(text));
  CHECK(found.metadata.schema_version == 99);
  REQUIRE(found.results.size() == 1);
  CHECK(found.results[0].status == "sublime");
}

TEST_CASE("of several results of a node the first one counts") {
  const auto found = read_run_results(
      artifact(results(R"("results": [{"unique_id": "model.a.b", "status": "error"},
                             {"unique_id": "model.a.c", "status": "success"},
                             {"unique_id": "model.a.b", "status": "skipped"}])")));
  REQUIRE(found.results.size() == 2);
  CHECK(found.results[0].status == "error");
  CHECK(found.results[1].node == "model.a.c");
}

TEST_CASE("of nodes with the same id the first one counts") {
  const auto found = read_manifest(artifact(
      manifest(R"("nodes": {"model.a.b": {"name": "first"}, "model.a.b": {"name": "second"}})")));
  REQUIRE(found.nodes.size() == 1);
  CHECK(found.nodes.begin()->second.name == "first");
}

TEST_CASE("a bad artifact is counted once, the last good one stays until there is a better one") {
  const TemporaryDirectory target;
  const auto path = target.path() / "run_results.json";
  const auto whole = read_file(kBuild / "run_results.json");
  Follower follower("shop", directories(target.path()),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  CHECK(page_of(follower) == "no artifacts in " + target.path().string() + "\n");

  const auto labels =
      "{project=\"shop\",location=\"" + target.path().string() + "\",artifact=\"run_results\"} ";
  const auto good = "dbt_artifact_timestamp_seconds" + labels + "1795361058.169183\n" +
                    "dbt_artifact_size_bytes" + labels + "18634\n" + "dbt_artifact_schema_version" +
                    labels + "6\n";
  const std::string failures =
      "dbt_artifact_read_failures_total{project=\"shop\",artifact=\"run_results\",reason="
      "\"decode\"} ";
  const auto readable = "dbt_artifact_readable" + labels;

  write_long_ago(path, whole.substr(0, 1000));
  const auto bad_alone = readable + "0\n" + failures + "1\n";
  CHECK(page_of(follower) == bad_alone);
  CHECK(page_of(follower) == bad_alone);

  std::ofstream(path) << whole;
  CHECK(page_of(follower) == readable + "1\n" + good + failures + "1\n");
  CHECK(follower.project().nodes.size() == 28);

  write_long_ago(path, whole.substr(0, 2000));
  CHECK(page_of(follower) == readable + "0\n" + good + failures + "2\n");
  CHECK(follower.project().nodes.size() == 28);
}

TEST_CASE("an artifact that could not be read and is gone is not unreadable any more") {
  const TemporaryDirectory target;
  const auto path = target.path() / "sources.json";
  std::filesystem::copy_file(kBuild / "run_results.json", target.path() / "run_results.json");
  write_long_ago(path, "<html>Sign in</html>");
  Follower follower("shop", directories(target.path()),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto unreadable = "dbt_artifact_readable{project=\"shop\",location=\"" +
                          target.path().string() + "\",artifact=\"sources\"} 0\n";
  CHECK(page_of(follower).find(unreadable) != std::string::npos);
  std::filesystem::remove(path);
  CHECK(page_of(follower).find("artifact=\"sources\"} 0") == std::string::npos);
  write_long_ago(path, "<html>Sign in</html>");
  CHECK(page_of(follower).find(unreadable) != std::string::npos);
}

TEST_CASE("an artifact that dbt still writes is no failure until it is left so") {
  const TemporaryDirectory target;
  const auto path = target.path() / "run_results.json";
  const auto whole = read_file(kBuild / "run_results.json");
  Follower follower("shop", directories(target.path()),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  CHECK(page_of(follower).starts_with("no artifacts"));  // the first update does not wait
  std::ofstream(path) << whole.substr(0, 1000);
  CHECK(page_of(follower).empty());
  std::ofstream(path) << whole.substr(0, 2000);
  CHECK(page_of(follower).empty());
  SECTION("it is finished") {
    std::ofstream(path) << whole;
    CHECK(page_of(follower).find("read_failures") == std::string::npos);
    CHECK(follower.project().nodes.size() == 28);
  }
  SECTION("it is left so") {
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(11));
    CHECK(page_of(follower).find("read_failures") != std::string::npos);
  }
  SECTION("its time is in the future") {
    fs::last_write_time(path, fs::file_time_type::clock::now() + std::chrono::hours(1));
    CHECK(page_of(follower).find("read_failures") != std::string::npos);
  }
}

TEST_CASE("a place that cannot be looked into is down") {
  const TemporaryDirectory directory;
  fs::create_directories(directory.path() / "target/manifest.json");
  Follower follower("shop", directories(directory.path() / "tar*"),
                    SharedLedger(std::make_shared<Ledger>("dbt", "")));
  CHECK(error_of(Reason::io, [&] { follower.update(Deadline::in(std::chrono::minutes(1))); }) ==
        directory.path().string() + "/target/manifest.json: not a regular file");
}

TEST_CASE("NUL bytes are refused, in a value, between values, and in place of a whole artifact") {
  const auto with_nul = [](std::string_view text) {
    std::string cut(text);
    cut[cut.find('~')] = '\0';
    return cut;
  };
  CHECK(results_error(with_nul(results(R"("results": [{"unique_id": "model.~"}])"))) ==
        "target/it.json: results[0]: not valid JSON at byte 21");
  const auto between = with_nul(results(R"("results": ~[])"));
  CHECK(results_error(between) ==
        "target/it.json: not valid JSON at byte " + std::to_string(between.find('\0') + 1));
  CHECK(manifest_error(with_nul(manifest(R"("nodes": {"model.~": {}})"))) ==
        R"(target/it.json: nodes["model.\x00"]: its name: not valid JSON at byte 8)");

  const TemporaryDirectory target;
  const auto path = target.write("run_results.json", "");
  fs::resize_file(path, std::uintmax_t{1} << 30);  // a hole
  const auto found = directories(target.path())(Deadline::in(std::chrono::minutes(1)));
  REQUIRE(found.size() == 1);
  CHECK(error_of(Reason::decode, [&] { read_run_results(found[0].artifact); }) ==
        path + ": not valid JSON at byte 1");
}

TEST_CASE("a gigabyte of nesting is refused when it gets too deep, without reading on") {
  for (const std::string before : {"", R"({"docs": )", R"({"metadata": )", R"({"nodes": {"a": )"}) {
    CAPTURE(before);
    std::size_t pieces = 0;
    const Artifact nested{"target/it.json", [&](const auto& sink) {
                            sink(before);
                            const std::string piece(1u << 20, '[');
                            for (pieces = 1; pieces <= 1024; ++pieces) sink(piece);
                          }};
    const auto levels = static_cast<std::size_t>(std::ranges::count(before, '{'));
    CHECK(error_of(Reason::decode, [&] { read_manifest(nested); }) ==
          "target/it.json: more than 256 levels at byte " +
              std::to_string(before.size() + 257 - levels));
    CHECK(pieces == 1);
  }
}

TEST_CASE("a gigabyte that nobody asked for is passed over without being held") {
  const std::string piece(1u << 20, 'x');
  const Artifact large{"target/it.json", [&](const auto& sink) {
                         sink(manifest("\"docs\": {\"a\": \""));
                         for (int i = 0; i < 1024; ++i) sink(piece);
                         sink("\"}, \"nodes\": {\"model.a.b\": {\"name\": \"b\", \"raw_code\": \"");
                         for (int i = 0; i < 64; ++i) sink(piece);
                         sink("\"}}}");
                       }};
  const auto before = resident_bytes();
  CHECK(read_manifest(large).nodes.at("model.a.b").name == "b");
  CHECK(resident_bytes() < before + (64u << 20));
}

TEST_CASE("a directory or a file without rights is a failure that says so") {
  const TemporaryDirectory directory;
  fs::permissions(directory.path(), fs::perms{0755});
  const auto target = directory.path() / "target";
  fs::create_directory(target);
  const auto path = target / "run_results.json";
  write_long_ago(path, read_file(kBuild / "run_results.json"));
  Follower follower("shop", directories(target), SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const auto page_without = [&](const fs::path& closed) {
    const Closed without_rights(closed);
    return page_of(follower);
  };
  const auto denied = target.string() + "/manifest.json: Permission denied\n";
  const auto readable = "dbt_artifact_readable{project=\"shop\",location=\"" + target.string() +
                        "\",artifact=\"run_results\"} ";
  CHECK(page_without(directory.path()) == denied);
  CHECK(page_without(target) == denied);
  CHECK(page_without(path) == readable + "0\n" +
                                  "dbt_artifact_read_failures_total{project=\"shop\",artifact="
                                  "\"run_results\",reason=\"io\"} 1\n");
  CHECK(page_of(follower).starts_with(readable + "1\n"));
  CHECK(follower.project().nodes.size() == 28);
}

TEST_CASE("what is written over while it is read is not taken") {
  const TemporaryDirectory target;
  const auto path = target.write("run_results.json", read_file(kBuild / "run_results.json"));
  const auto found = directories(target.path())(Deadline::in(std::chrono::minutes(1)));
  REQUIRE(found.size() == 1);
  const auto read = [&](bool meanwhile) {
    found[0].artifact.read([&](std::string_view) {
      if (meanwhile) std::ofstream(path, std::ios::app) << ' ';
    });
  };
  CHECK_NOTHROW(read(false));
  CHECK(error_of(Reason::io, [&] { read(true); }) == path + ": changed while it was read");
}
