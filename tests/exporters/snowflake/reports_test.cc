#include "exporters/snowflake/reports.h"

#include <catch2/catch.hpp>

#include "tests/exporters/snowflake/account_server.h"

using namespace exporter::snowflake;

namespace {

constexpr const char* kUrl = "http://127.0.0.1:1";

}  // namespace

TEST_CASE("grants are those of the collectors that are on") {
  const std::string_view free[] = {"warehouses", "pipes"};
  const auto account = account_of(kUrl, "role: EXPORTER, warehouse: W");
  const auto text = write_grants(*account, free);
  CHECK_THAT(text, Catch::Contains("GRANT MONITOR ON WAREHOUSE <name> TO ROLE \"EXPORTER\""));
  CHECK_THAT(text, Catch::Contains("GRANT MONITOR EXECUTION ON ACCOUNT TO ROLE \"EXPORTER\""));
  CHECK_THAT(text, !Catch::Contains("RESOURCE MONITOR") && !Catch::Contains("DATABASE ROLE") &&
                       !Catch::Contains("CREATE WAREHOUSE"));
  const std::string_view paid[] = {"cost", "queries"};
  const auto more = write_grants(*account, paid);
  CHECK_THAT(more, Catch::Contains("SNOWFLAKE.USAGE_VIEWER") &&
                       Catch::Contains("SNOWFLAKE.GOVERNANCE_VIEWER"));
  CHECK_THAT(more, Catch::Contains("CREATE WAREHOUSE IF NOT EXISTS \"W\" WAREHOUSE_SIZE = XSMALL "
                                   "AUTO_SUSPEND = 60"));
  CHECK_THAT(more, Catch::Contains("CREDIT_QUOTA = 2 FREQUENCY = DAILY"));
}

TEST_CASE("views that no database role reads need the privileges on the whole database") {
  const std::string_view names[] = {"cost", "locks", "alerts"};
  const auto account = account_of(kUrl, "role: EXPORTER, warehouse: W");
  const auto grants = write_grants(*account, names);
  const std::string imported =
      "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE \"EXPORTER\"";
  CHECK_THAT(grants, Catch::Contains("GRANT DATABASE ROLE SNOWFLAKE.USAGE_VIEWER TO ROLE"));
  CHECK(grants.find(imported) == grants.rfind(imported));
  CHECK_THAT(grants, Catch::Contains(imported) && !Catch::Contains("SNOWFLAKE.IMPORTED"));
  CHECK_THAT(write_dry_run(*account, names),
             Catch::Contains("locks, each 3h, by IMPORTED PRIVILEGES\n"));
}

TEST_CASE("names are quoted in grants, as they have a case") {
  const std::string_view free[] = {"tasks"};
  const auto account = account_of(kUrl, "role: 'my \"role\"'");
  CHECK_THAT(write_grants(*account, free), Catch::Contains(R"(TO ROLE "my ""role""")"));
}

TEST_CASE("a dry run names each statement, its pace and what a day costs") {
  const std::string_view names[] = {"warehouses", "cost", "queries"};
  const auto account = account_of(kUrl, "warehouse: W");
  const auto text = write_dry_run(*account, names);
  CHECK_THAT(text, Catch::Contains("warehouses, each 1m\n      SHOW WAREHOUSES\n"));
  CHECK_THAT(text, Catch::Contains("cost, each 3h, by the database role SNOWFLAKE.USAGE_VIEWER"));
  CHECK_THAT(text, Catch::Contains("queries, each 45m, by"));
  CHECK_THAT(text, Catch::Contains("FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY"));
  CHECK_THAT(text, Catch::Contains("A day: 56 statements, 32 resumptions, 2032 s, 0.5644 credits"));
  CHECK_THAT(text, Catch::Contains("never takes more than 0.5 credits (credits_per_day): cycles"));
  CHECK_THAT(text, !Catch::Contains("{lo"));
  CHECK_THAT(text, !Catch::Contains("SHOW PIPES"));
}

TEST_CASE("a dry run of free collectors costs no warehouse") {
  const std::string_view names[] = {"warehouses"};
  CHECK_THAT(write_dry_run(*account_of(kUrl), names), !Catch::Contains("resum"));
}
