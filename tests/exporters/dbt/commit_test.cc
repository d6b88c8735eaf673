// Each commit to a project's ledger can fail. The state in memory is never ahead of the stored one.

#include <catch2/catch.hpp>
#include <memory>
#include <sstream>

#include "common/base/error.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/unreliable_disk.h"

using namespace exporter;
using namespace exporter::dbt;

namespace {

std::string results_after_months(const std::string& invocation) {
  auto text = results(0, invocation, "success");
  return text.replace(text.find("2026-01"), 7, "2026-09");
}

/// Changes of the artifacts, each of which needs a commit.
using Step = void (*)(Listed& listed);
constexpr Step kSteps[] = {
    [](Listed& listed) { listed.put(Kind::manifest, manifest(1, "killed", "table")); },
    [](Listed& listed) {
      listed.put(Kind::manifest, manifest(2, "after", "table"));
      listed.put(Kind::run_results, results(2, "after", "error"));
    },
    [](Listed& listed) {
      listed.put(Kind::manifest, manifest(3, "cut off", "table"));
      listed.put(Kind::run_results, results(3, "cut off", "success"), End::interrupted);
    },
    [](Listed& listed) {
      listed.put(Kind::manifest, manifest(4, "again", "table"));
      listed.put(Kind::run_results, results(4, "again", "error"));
    },
    [](Listed& listed) { listed.put(Kind::sources, freshness(5, "fresh", "pass")); },
    [](Listed& listed) {
      listed.put(Kind::manifest, manifest(6, "elsewhere", "view"), true, "other");
    },
    [](Listed& listed) { listed.remove("target"); },
    [](Listed& listed) {
      listed.put(Kind::run_results, results_after_months("late"), true, "other");
    },
};

/// An exporter of one project, whose state is on a disk.
class Exporter {
 public:
  explicit Exporter(Listed& listed) : listed_(listed) { restart(); }

  void restart() {
    collect_ = {};
    const Ledger::Options options{.past = std::chrono::years(20)};
    const auto ledgers = std::make_shared<Ledgers>(state_.path());
    const Settings settings(Selection::flags(), {}, nullptr);
    collect_ = artifacts().make(std::make_shared<ProjectSource>(ProjectSource{
        "shop", Selection(settings), ledgers->open("dbt", "shop", options), listed_.lister()}));
  }

  struct Look {
    std::string error;
    std::vector<std::string> lines;  ///< of the page; none if it did not change
  };
  Look look() {
    Samples samples;
    collect_(samples, Deadline::in(std::chrono::minutes(1)));
    Look look;
    if (samples.failure()) look.error = samples.failure()->what();
    std::string page;
    samples.render(Format::text, page);
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);) look.lines.push_back(line);
    return look;
  }

 private:
  TemporaryDirectory state_;
  Listed& listed_;
  CollectFunction collect_;
};

std::vector<std::vector<std::string>> pages_without_failures() {
  Listed listed;
  Exporter exporter(listed);
  std::vector<std::vector<std::string>> pages;
  for (const auto step : kSteps) {
    step(listed);
    pages.push_back(exporter.look().lines);
    exporter.restart();
    CHECK(exporter.look().lines == pages.back());
  }
  return pages;
}

}  // namespace

TEST_CASE("after a commit that fails the next one has all of it, also after a restart") {
  const auto pages = pages_without_failures();
  std::set<std::size_t> failed;
  for (std::int64_t operation = 1;; ++operation) {
    UnreliableDisk disk;
    Listed listed;
    Exporter exporter(listed);
    disk.fail(operation, 1);
    for (std::size_t step = 0; step < std::size(kSteps); ++step) {
      CAPTURE(operation, step);
      kSteps[step](listed);
      auto look = exporter.look();
      if (!look.error.empty()) {
        failed.insert(step);
        look = exporter.look();
        CHECK(look.error.empty());
      }
      CHECK(look.lines == pages[step]);
      exporter.restart();
      CHECK(exporter.look().lines == pages[step]);
    }
    if (disk.operations() < operation) break;
  }
  CHECK(failed.size() == std::size(kSteps));
}
