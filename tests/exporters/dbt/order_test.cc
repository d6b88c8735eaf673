// Logs about wrong clocks.

#include <catch2/catch.hpp>

#include "common/base/log.h"
#include "exporters/dbt/follower.h"
#include "tests/exporters/dbt/configured.h"
#include "tests/exporters/dbt/listed.h"
#include "tests/support/caught_log.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::dbt;

TEST_CASE("a clock that is wrong is said once for each artifact, and one that is right never") {
  const TemporaryDirectory directory;
  Listed artifacts;
  Follower follower("shop", artifacts.lister(), SharedLedger(std::make_shared<Ledger>("dbt", "")));
  const testing::CaughtLog caught(directory.path() / "log");
  const auto put = [&](std::string text) {
    artifacts.put(Kind::run_results, std::move(text));
    update(follower);
    log::flush(std::chrono::minutes(1));
  };
  put(results(1, "one", "success"));
  put(results(2, "two", "success"));
  CHECK(caught.lines("msg=\"artifact dated").empty());
  SECTION("in the future") {
    for (const auto* invocation : {"three", "four"}) {
      auto text = results(3, invocation, "success");
      put(text.replace(text.find("2026"), 4, "2226"));
    }
    const auto lines = caught.lines("msg=\"artifact dated");
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::StartsWith("msg=\"artifact dated in the future: the clock of its "
                                           "writer is wrong\" project=shop location=target "
                                           "artifact=run_results seconds="));
  }
  SECTION("behind that of another writer") {
    put(results(30, "three", "success"));
    for (const auto* invocation : {"four", "five"}) put(results(20, invocation, "success"));
    const auto lines = caught.lines("msg=\"artifact dated");
    REQUIRE(lines.size() == 1);
    CHECK(lines[0] ==
          "msg=\"artifact dated before the one that it replaces: the clocks of their "
          "writers differ\" project=shop location=target artifact=run_results "
          "seconds=600");
  }
}
