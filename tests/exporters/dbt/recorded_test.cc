// fixtures/dbt/recorded/<version>/<command>/ has the target directory that a real dbt left after
// each of several commands in one project. Most manifests have only metadata; the rest is that of
// the last whole one. expected.changes has the lines of the page that the command removed (-) and
// added (+), which together with the previous page are the whole page.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "exporters/dbt/artifacts.h"
#include "test_paths.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/golden.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;
namespace fs = std::filesystem;

namespace {

const fs::path kRecorded = fs::path(SOURCE_DIR) / "tests/fixtures/dbt/recorded";

std::vector<fs::path> commands(const fs::path& version) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(version)) {
    if (entry.is_directory()) found.push_back(entry.path());
  }
  std::ranges::sort(found);
  return found;
}

void write(const fs::path& path, const std::string& text) {
  const auto temporary = path.string() + ".new";
  std::ofstream(temporary, std::ios::binary) << text;
  fs::rename(temporary, path);  // another inode: a new version
}

/// A target directory, and the exporter that follows it.
class Target {
 public:
  Target() { restart(); }

  /// Restarts as after SIGKILL, with only the ledger.
  void restart() {
    collector_ = {};
    ledgers_.reset();
    ledgers_ = std::make_shared<Ledgers>(state_.path());
    collector_ = make();
  }

  /// Installs the artifacts of the command. A manifest with only metadata is the last whole one
  /// with this metadata.
  void leave(const fs::path& command) {
    for (const auto& entry : fs::directory_iterator(command)) {
      if (entry.path().extension() != ".json") continue;
      auto name = entry.path().filename().string();
      auto text = read_file(entry.path());
      if (name == "manifest_metadata_only.json") {
        name = "manifest.json";
        text = text.substr(0, text.rfind('}')) + rest_of_manifest_;
      } else if (name == "manifest.json") {
        rest_of_manifest_ = text.substr(text.find(", \"nodes\": "));
      }
      write(directory_.path() / name, text);
    }
  }

  std::string page() {
    auto page = page_of(collector_);
    const auto directory = directory_.path().string();
    for (std::size_t at; (at = page.find(directory)) != page.npos;) {
      page.replace(at, directory.size(), "TARGET");
    }
    return page;
  }

 private:
  Collector make() {
    return collectors_of("projects: [{name: shop, target: " + directory_.path().string() +
                             ", labels: {environment: test}, env_labels: {dag_id: TEAM, "
                             "task_id: DBT_ENV_CUSTOM_ENV_JOB, job_name: JOB}}]",
                         {}, ledgers_)
        .at(0);
  }

  TemporaryDirectory directory_, state_;
  std::shared_ptr<Ledgers> ledgers_;
  Collector collector_;
  std::string rest_of_manifest_ = ", \"nodes\": {}}";
};

std::vector<std::string> lines_of(const std::string& page) {
  std::vector<std::string> lines;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string changes(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::string text;
  const auto add = [&](char sign, const auto& lines, const auto& others) {
    const std::set<std::string> known(others.begin(), others.end());
    for (const auto& line : lines) {
      if (!known.contains(line)) text += sign + line + '\n';
    }
  };
  add('-', before, after);
  add('+', after, before);
  return text;
}

void replay(const std::string& version) {
  Target target, restarted;
  std::vector<std::string> before;
  for (const auto& command : commands(kRecorded / version)) {
    CAPTURE(command.filename());
    target.leave(command);
    const auto page = target.page();
    restarted.leave(command);
    restarted.restart();
    CHECK(lines_of(restarted.page()) == lines_of(page));
    const auto after = lines_of(page);
    check_golden(command / "expected.changes", changes(before, after));
    before = after;
  }
}

}  // namespace

TEST_CASE("after each command of dbt 1.7 the page says what it did") { replay("dbt-1.7"); }
TEST_CASE("after each command of dbt 1.9 the page says what it did") { replay("dbt-1.9"); }
TEST_CASE("after each command of dbt 1.11 the page says what it did") { replay("dbt-1.11"); }
