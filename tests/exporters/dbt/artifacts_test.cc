#include "exporters/dbt/artifacts.h"

#include <catch2/catch.hpp>
#include <thread>

#include "common/collect/exposition.h"
#include "common/config/yaml.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/support/scripted_server.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/upstreams.h"

using namespace exporter;
using namespace exporter::dbt;
using namespace std::chrono_literals;

namespace {

std::string results(int run) {
  const auto number = std::to_string(run);
  return R"({"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",)"
         R"( "generated_at": "2026-11-20T0)" +
         number + R"(:00:00Z", "invocation_id": ")" + number +
         R"("}, "args": {"which": "run"}, "elapsed_time": 1, "results": [{"unique_id": "model.a.b",)"
         R"( "status": "success"}]})";
}

}  // namespace

TEST_CASE("a project whose place hangs holds up no other") {
  ScriptedServer silent([](Peer& peer) { peer.wait_closed(); });
  const TemporaryDirectory directory;
  const auto file = "projects: [{name: hangs, url: \"" + silent.url() +
                    "\"}, {name: shop, target: " + directory.path().string() + "}]";
  Exposition exposition(collectors_of(file, {{"collector.artifacts.interval", {"1s"}}},
                                      std::make_shared<Ledgers>("")),
                        {.outcomes = {.source_label = "project"},
                         .count_failure = [](const Collector&, Reason) {},
                         .self = {},
                         .self_metrics = {},
                         .foreign = {}});
  const auto shows = [&](const std::string& line) {
    const auto page = exposition.scrape({Format::text, false, {}, {}, Clock::now() + 20s}).joined();
    return page.find('\n' + line + '\n') != page.npos;
  };
  const auto give_up = Clock::now() + 20s;
  for (int run = 1; run <= 2; ++run) {
    directory.write("run_results.json",
                    results(run) + std::string(static_cast<std::size_t>(run), ' '));
    const auto line =
        R"(dbt_node_runs_total{project="shop",unique_id="model.a.b",status="success"} )" +
        std::to_string(run);
    while (!shows(line)) {
      REQUIRE(Clock::now() < give_up);
      std::this_thread::sleep_for(20ms);
    }
  }
  while (silent.connections() == 0) {
    REQUIRE(Clock::now() < give_up);
    std::this_thread::sleep_for(20ms);
  }
  CHECK_FALSE(shows(R"(exporter_collector_success{collector="artifacts",source="hangs"} 1)"));
  CHECK(shows(R"(exporter_collector_success{collector="artifacts",source="shop"} 1)"));
}
