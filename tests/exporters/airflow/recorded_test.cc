#include <catch2/catch.hpp>
#include <regex>

#include "test_paths.h"
#include "tests/exporters/airflow/replay.h"
#include "tests/support/golden.h"

using namespace exporter;

TEST_CASE("the recorded answers of both versions make these pages") {
  const auto* version = GENERATE("2.11", "3.3");
  CAPTURE(version);
  Replay airflow(version);
  const auto deployment = deployment_of(airflow.url());
  std::string page;
  for (const auto* module : airflow::kModules) page += page_of(collector(*module, deployment));
  page = std::regex_replace(page, std::regex(airflow.url()), "http://airflow");
  page =
      std::regex_replace(page, std::regex("(_first_seen_timestamp_seconds\\{.*\\}) .*"), "$1 NOW");
  check_golden(std::string(SOURCE_DIR) + "/tests/fixtures/airflow/" + version + "/page.prom", page);
}
