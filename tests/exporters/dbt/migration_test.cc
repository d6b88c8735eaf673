// fixtures/dbt/format1/ has a ledger of format 1 with the recorded commands 02, 03, 04 and 06 of
// dbt 1.9, and the counters that belong to it.

#include <catch2/catch.hpp>
#include <filesystem>
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

const fs::path kFixtures = fs::path(SOURCE_DIR) / "tests/fixtures/dbt";

/// The lines of the counters on a page.
std::string counters_of(const std::string& page) {
  std::string lines;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);) {
    const bool is_counter =
        line.find("_total{") != line.npos || line.starts_with("dbt_execution_seconds_");
    if (is_counter) lines += line + '\n';
  }
  return lines;
}

}  // namespace

TEST_CASE("what an older exporter has counted is there, and is not counted again") {
  const TemporaryDirectory target, state;
  state.write("dbt.shop.ledger", read_file(kFixtures / "format1/dbt.shop.ledger"));
  const auto ledgers = std::make_shared<Ledgers>(state.path());
  const auto collector =
      collectors_of({}, {{"target.path", {target.path().string()}}, {"target.project", {"shop"}}},
                    ledgers)
          .at(0);
  const auto expected = read_file(kFixtures / "format1/expected.prom");
  for (const auto* command : {"", "02_build", "03_run", "04_test", "06_source_freshness"}) {
    CAPTURE(command);
    // In a directory that the ledger does not know, so that they are read.
    for (const auto* name : {"run_results.json", "sources.json"}) {
      const auto artifact = kFixtures / "recorded/dbt-1.9" / command / name;
      if (fs::exists(artifact)) target.write(name, read_file(artifact));
    }
    CHECK(counters_of(page_of(collector)) == expected);
  }
  CHECK(ledgers->open("dbt", "shop", {})->figures()->corrections == 0);
}
