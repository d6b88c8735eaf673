#include "exporters/snowflake/interval.h"

#include <catch2/catch.hpp>

using namespace exporter::snowflake;
using std::chrono::seconds;

TEST_CASE("a length of time is read as Snowflake writes it") {
  CHECK(parse_interval("60 seconds") == seconds(60));
  CHECK(parse_interval("5 minutes") == seconds(300));
  CHECK(parse_interval("10 MINUTE") == seconds(600));
  CHECK(parse_interval("1 hour") == seconds(3600));
  CHECK(parse_interval(" 2  days ") == seconds(172'800));
  CHECK(parse_interval("1 week") == seconds(604'800));
}

TEST_CASE("what is no length of time is none") {
  for (const std::string text :
       {"", "5", "minutes", "DOWNSTREAM", "-5 minutes", "1.5 hours", "5 minutes ago",
        "USING CRON 0 * * * * UTC", "5 years", "99999999999999999999 days", "1000001 days"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_interval(text));
  }
}
