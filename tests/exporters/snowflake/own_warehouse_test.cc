#include "exporters/snowflake/own_warehouse.h"

#include <catch2/catch.hpp>
#include <stop_token>
#include <string>
#include <thread>

#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;
using namespace std::chrono_literals;

namespace {

/// An account whose list of warehouses never completes.
struct Hanging {
  Hanging() {
    const std::string json = "Content-Type: application/json\r\n";
    const auto running =
        reply(202, R"({"code":"333334","message":"running","statementHandle":"01-a"})", json);
    server.set("SHOW WAREHOUSES", running);
    server.set_path("01-a", running);
    server.set_path("01-a/cancel", reply(200, R"({"code":"000604"})", json));
  }

  AccountServer server;
};

}  // namespace

TEST_CASE("a list of warehouses that never comes takes no longer than a statement may") {
  Hanging hanging;
  const auto account =
      account_of(hanging.server.url(), "warehouse: EXPORTER, statement_timeout: 1s");
  const auto begin = Clock::now();
  CHECK_THAT(error_of(Reason::timeout, [&] { account->warehouse->price(Deadline::in(10min)); }),
             Catch::Contains("deadline passed"));
  CHECK(Clock::now() - begin < 5min);
  CHECK(hanging.server.count("POST /api/v2/statements/01-a/cancel") == 1);
}

TEST_CASE("who needs a list of warehouses that another waits for keeps to its own deadline") {
  Hanging hanging;
  const auto account = account_of(
      hanging.server.url(),
      "warehouse: EXPORTER, statement_timeout: 1h, credits_per_day: 0, backfill_credits: 0");
  std::stop_source stop;
  std::jthread first([&] {
    error_of(Reason::cancelled,
             [&] { account->warehouse->price(Deadline::in(10min, stop.get_token())); });
  });
  const auto give_up = Clock::now() + 5min;
  while (hanging.server.count("SHOW WAREHOUSES") == 0 && Clock::now() < give_up) {
    std::this_thread::sleep_for(1ms);
  }
  CHECK(error_of(Reason::timeout, [&] { account->warehouse->price(Deadline::in(1ms)); }) ==
        "another collector asks for the size of warehouse EXPORTER");
  stop.request_stop();
}

TEST_CASE("a warehouse that never suspends, or after a time beyond all bounds, has a price") {
  AccountServer server;
  const auto account = account_of(server.url(), "warehouse: EXPORTER, credits_per_hour: 2");
  const auto price = [&](const std::string& auto_suspend) {
    server.set_rows("SHOW WAREHOUSES", "name,auto_suspend",
                    R"(["EXPORTER",")" + auto_suspend + "\"]");
    return account->warehouse->price(Deadline::in(5min));
  };
  const auto [text, expected] = GENERATE(table<std::string, std::chrono::seconds>(
      {{"600", 600s}, {"0", 24h}, {"1e300", 1'000'000'000s}}));
  CAPTURE(text);
  CHECK(price(text).auto_suspend == expected);
}
