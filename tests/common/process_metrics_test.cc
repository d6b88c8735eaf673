#include "common/app/process_metrics.h"

#include <catch2/catch.hpp>

using namespace exporter;

TEST_CASE("the start of the process stays the same until the clock is set") {
  KeptTime started;
  CHECK(started.keep(1e9) == 1e9);
  CHECK(started.keep(1e9 + 0.02) == 1e9);
  CHECK(started.keep(1e9 - 0.9) == 1e9);
  CHECK(started.keep(1.7e9) == 1.7e9);
  CHECK(started.keep(1.7e9 + 0.02) == 1.7e9);
  CHECK(started.keep(1.6e9) == 1.6e9);
}
