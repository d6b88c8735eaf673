#include "exporters/snowflake/own_warehouse.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;
using namespace std::chrono_literals;

namespace {

constexpr const char* kJson = "Content-Type: application/json\r\n";

}  // namespace

TEST_CASE(
    "a list of warehouses that never comes holds up its collector no longer than a statement") {
  AccountServer server;
  const auto running =
      reply(202, R"({"code":"333334","message":"running","statementHandle":"01-a"})", kJson);
  server.set("SHOW WAREHOUSES", running);
  server.set_path("01-a", running);
  server.set_path("01-a/cancel", reply(200, R"({"code":"000604"})", kJson));
  const auto account = account_of(server.url(), "warehouse: EXPORTER, statement_timeout: 2s");
  auto& warehouse = *account->warehouse;

  std::jthread first([&] {
    CHECK_THAT(error_of(Reason::timeout, [&] { warehouse.price(Deadline::in(1h)); }),
               Catch::Contains("deadline passed"));
  });
  while (server.count("GET /api/v2/statements/01-a") == 0) std::this_thread::sleep_for(1ms);
  CHECK(error_of(Reason::timeout, [&] { warehouse.price(Deadline::in(1ms)); }) ==
        "another collector asks for the size of warehouse EXPORTER");
  first.join();
  CHECK(server.count("POST /api/v2/statements/01-a/cancel") == 1);
}
