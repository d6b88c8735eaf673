// The state of a project survives the artifacts, the process and its configuration.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/base/error.h"
#include "common/config/yaml.h"
#include "exporters/dbt/artifacts.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  const auto temporary = path.string() + ".new";
  std::ofstream(temporary, std::ios::binary) << text;
  fs::rename(temporary, path);  // another inode: a new version
}

std::string metadata(const std::string& schema, const std::string& invocation,
                     const std::string& at) {
  return R"("metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/)" + schema +
         R"(.json", "dbt_version": "1.11.0", "invocation_id": ")" + invocation +
         R"(", "generated_at": "2026-11-)" + at + R"("})";
}

/// The results of a run of one model, on that day and hour of November 2026.
std::string run_of(const std::string& model, const std::string& status, const std::string& id,
                   const std::string& at) {
  return '{' + metadata("run-results/v6", id, at + ":00:00Z") +
         R"(, "elapsed_time": 2, "args": {"which": "run"}, "results": [{"unique_id": ")" + model +
         R"(", "status": ")" + status + R"(", "execution_time": 1.5, "timing": []}]})";
}

std::string manifest_of(const std::string& model, const std::string& at) {
  return '{' + metadata("manifest/v12", "manifest", at + ":00:00Z") + R"(, "nodes": {")" + model +
         R"(": {"unique_id": ")" + model + R"(", "resource_type": "model", "name": "x",)" +
         R"( "package_name": "shop", "depends_on": {"nodes": []}}}})";
}

/// The artifact with its times moved to that many days ago.
std::string dated(std::string text, int days_ago) {
  const std::chrono::year_month_day day =
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()) -
      std::chrono::days(days_ago);
  char date[16];
  std::snprintf(date, sizeof date, "%04d-%02u-%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return text.replace(text.find("2026-11-"), 10, date);
}

/// An exporter and its directories.
class Exporter {
 public:
  explicit Exporter(std::string pattern = "target") : pattern_(std::move(pattern)) { start(); }

  void stop() {
    collector_ = {};
    ledgers_.reset();
  }
  void start() {
    ledgers_ = std::make_shared<Ledgers>(state());
    reload();
  }
  /// Restarts as after SIGKILL.
  void restart() {
    stop();
    start();
  }
  void reload() {
    collector_ = collectors_of({},
                               {{"target.path", {(directory_.path() / pattern_).string()}},
                                {"target.project", {"shop"}}},
                               ledgers_)
                     .at(0);
  }
  void use_memory() {
    stop();
    ledgers_ = std::make_shared<Ledgers>("");
    reload();
  }

  /// The lines of the page with this start; empty if the page did not change.
  std::vector<std::string> lines(const std::string& begin) {
    std::vector<std::string> found;
    std::istringstream in(page_of(collector_));
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with(begin)) found.push_back(line);
    }
    return found;
  }

  fs::path path() const { return directory_.path(); }
  fs::path state() const { return directory_.path() / "state"; }

 private:
  TemporaryDirectory directory_;
  std::string pattern_;
  std::shared_ptr<Ledgers> ledgers_;
  Collector collector_;
};

using Lines = std::vector<std::string>;

const Lines kTwoRuns = {
    R"(dbt_node_runs_total{project="shop",unique_id="model.shop.a",status="error"} 1)",
    R"(dbt_node_runs_total{project="shop",unique_id="model.shop.a",status="success"} 1)"};

}  // namespace

TEST_CASE("what is known of nodes stays when the artifacts go, across a restart and a reload") {
  Exporter exporter;
  write(exporter.path() / "target/run_results.json",
        run_of("model.shop.a", "success", "1", "20T01"));
  CHECK(exporter.lines("dbt_artifact_readable").size() == 1);
  write(exporter.path() / "target/run_results.json", run_of("model.shop.a", "error", "2", "20T02"));
  auto page = exporter.lines("dbt_");
  CHECK(page.size() > 15);
  fs::remove_all(exporter.path() / "target");
  SECTION("restart") { exporter.restart(); }
  SECTION("reload") { exporter.reload(); }
  page.front().back() = '0';
  std::erase_if(page, [](auto& line) { return line.starts_with("dbt_artifact_readable"); });
  CHECK(exporter.lines("dbt_") == page);
}

TEST_CASE("results that are found again after a restart are not counted again") {
  Exporter exporter;
  const auto path = exporter.path() / "target/run_results.json";
  write(path, run_of("model.shop.a", "success", "1", "20T01"));
  exporter.lines("");
  write(path, run_of("model.shop.a", "error", "2", "20T02"));
  exporter.lines("");
  exporter.restart();
  CHECK(exporter.lines("dbt_node_runs_total{") == kTwoRuns);
  // Another inode, so it is read again.
  write(path, run_of("model.shop.a", "error", "2", "20T02"));
  CHECK(exporter.lines("dbt_node_runs_total{") == kTwoRuns);
}

TEST_CASE("without a state directory a reload forgets nothing") {
  Exporter exporter;
  exporter.use_memory();
  const auto path = exporter.path() / "target/run_results.json";
  write(path, run_of("model.shop.a", "success", "1", "20T01"));
  exporter.lines("");
  write(path, run_of("model.shop.a", "error", "2", "20T02"));
  exporter.lines("");
  exporter.reload();
  CHECK(exporter.lines("dbt_node_runs_total{") == kTwoRuns);
}

TEST_CASE("a look that finds nothing new makes no page") {
  Exporter exporter;
  const auto path = exporter.path() / "target/run_results.json";
  write(path, run_of("model.shop.a", "success", "1", "20T01"));
  CHECK_FALSE(exporter.lines("").empty());
  CHECK(exporter.lines("").empty());
  write(path, "{");
  fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(1));
  CHECK_FALSE(exporter.lines("").empty());
  CHECK(exporter.lines("").empty());
  fs::remove(path);
  CHECK_FALSE(exporter.lines("").empty());
  CHECK(exporter.lines("").empty());
}

TEST_CASE(
    "a directory that is gone is forgotten as soon as there are others, also after a restart") {
  Exporter exporter("jobs/*");
  write(exporter.path() / "jobs/a/run_results.json",
        run_of("model.shop.a", "success", "1", "20T01"));
  exporter.lines("");
  fs::remove_all(exporter.path() / "jobs/a");
  const auto known = [&] { return exporter.lines("dbt_artifact_timestamp_seconds").size(); };
  CHECK(known() == 1);
  write(exporter.path() / "jobs/b/run_results.json", run_of("model.shop.a", "error", "2", "20T02"));
  CHECK(known() == 1);
  exporter.restart();
  CHECK(exporter.lines("dbt_artifact_readable") ==
        Lines{R"(dbt_artifact_readable{project="shop",location=")" +
              (exporter.path() / "jobs/b").string() + R"(",artifact="run_results"} 1)"});
}

TEST_CASE("a node that the project has no longer is forgotten after 90 days without a result") {
  Exporter exporter;
  const auto results = exporter.path() / "target/run_results.json";
  const auto status = [&] { return exporter.lines("dbt_node_last_status").size(); };
  const int days_ago = GENERATE(30, 180);
  CAPTURE(days_ago);
  write(results, dated(run_of("model.shop.old", "success", "1", "20T01"), days_ago));
  CHECK(status() == 1);
  write(exporter.path() / "target/manifest.json", dated(manifest_of("model.shop.new", "21T01"), 1));
  CHECK(status() == 0);
  write(results, dated(run_of("model.shop.new", "success", "2", "21T01"), 1));
  CHECK(status() == 1);
  fs::remove(exporter.path() / "target/manifest.json");
  exporter.restart();
  // After a month a node returns with its state, after half a year without.
  CHECK(status() == (days_ago == 30 ? 2 : 1));
}

TEST_CASE("metadata that cannot be read is left out, the others stay") {
  Exporter exporter;
  write(exporter.path() / "target/run_results.json",
        run_of("model.shop.a", "success", "1", "20T01"));
  exporter.lines("");
  exporter.stop();
  {
    Ledger ledger("dbt.shop", exporter.state());
    auto run = ledger.begin(Deadline::in(std::chrono::minutes(1)), {});
    std::vector<std::string> keys;
    run.each_metadata("node/",
                      [&](std::string_view key, std::string_view) { keys.emplace_back(key); });
    REQUIRE(keys.size() == 1);
    run.set_metadata(keys[0], "{");
    run.commit();
  }
  exporter.start();
  const auto lines = exporter.lines("dbt_");
  const auto count = [&](const std::string& begin) {
    return std::ranges::count_if(lines, [&](auto& line) { return line.starts_with(begin); });
  };
  CHECK(count("dbt_node_last_status{") == 0);
  CHECK(count("dbt_invocation_last_timestamp_seconds{") == 1);
}

TEST_CASE("a project that runs rarely is counted whatever runs meanwhile in another") {
  const TemporaryDirectory directory;
  const auto path = [&](const std::string& project) {
    return directory.path() / project / "run_results.json";
  };
  const auto file = "projects: [{name: busy, target: " + path("busy").parent_path().string() +
                    "}, {name: quiet, target: " + path("quiet").parent_path().string() + "}]";
  const auto collectors = collectors_of(file, {}, std::make_shared<Ledgers>(""));
  REQUIRE(collectors.size() == 2);
  CHECK(collectors[0].name == collectors[1].name);
  CHECK(collectors[0].source == "busy");
  CHECK(collectors[1].source == "quiet");
  Samples samples;
  write(path("busy"), run_of("model.busy.a", "success", "1", "20T01"));
  collectors[0].collect(samples, Deadline::in(std::chrono::minutes(1)));
  write(path("quiet"), run_of("model.quiet.b", "error", "2", "10T01"));
  collectors[1].collect(samples, Deadline::in(std::chrono::minutes(1)));
  std::string page;
  samples.render(Format::text, page);
  for (const auto* line :
       {R"(dbt_node_runs_total{project="busy",unique_id="model.busy.a",status="success"} 1)",
        R"(dbt_node_runs_total{project="quiet",unique_id="model.quiet.b",status="error"} 1)"}) {
    CAPTURE(line);
    CHECK(page.find(line) != page.npos);
  }
}
