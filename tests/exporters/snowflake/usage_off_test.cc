#include <catch2/catch.hpp>

#include "common/base/error.h"
#include "tests/exporters/snowflake/usage_reader.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace usage_test;
using std::chrono::hours;
using std::chrono::minutes;

TEST_CASE("a statement that fails keeps what was counted, and is a failure until it works") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", kColumns, row(now - hours(2), "x", 5));
  CHECK(reader.value(kA) == 5);
  CHECK(reader.failure == "");
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("002003", "not authorized"));
  CHECK(reader.value(kA) == 5);
  CHECK_THAT(reader.failure, Catch::Contains("002003 not authorized"));
  now += minutes(1);
  CHECK(reader.value(kA) == 5);
  CHECK_THAT(reader.failure, Catch::Contains("002003 not authorized"));
  CHECK(reader.server.count("SELECT THINGS") == 2);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns,
                         row(tomorrow() + hours(1), "x", 5) + "," + row(now - hours(2), "x", 6));
  CHECK(reader.value(kA) == 11);
  CHECK(reader.failure == "");
}

TEST_CASE("an answer without a column of the statement counts nothing") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SELECT THINGS", "B,V_A,V_B_MS,LE_1,LE_10,NEWEST", "");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("things: the answer has no column L_KIND"));
}

TEST_CASE("where the day's credits are spent, what is known stays") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup, ", credits_per_day: 0.06");
  reader.set_warehouse("600");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("the day's credits do not suffice"));
  CHECK_FALSE(reader.waits_until);
  CHECK(reader.server.count("SELECT THINGS") == 0);
}

TEST_CASE("a warehouse that the role does not see is an error that says so") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set_rows("SHOW WAREHOUSES\"", "name", R"(["w"])");
  reader.value(kA);
  CHECK_THAT(reader.failure, Catch::Contains("warehouse W: it does not exist"));
  CHECK(reader.server.count("SELECT THINGS") == 0);
}

TEST_CASE("a group without a warehouse is refused") {
  AccountServer server;
  const auto account = account_of(server.url());
  CHECK(error_of(Reason::config, [&] { Usage(*account, kGroup); }) ==
        "account prod: the collector things needs a warehouse (`warehouse` of the account, or "
        "--account.warehouse)");
}

TEST_CASE("a group without the key that it needs is refused") {
  static constexpr Group kKeyed{"things", hours(1), kThingsStatement, "USAGE_VIEWER",
                                "query_tag_keys"};
  AccountServer server;
  const auto account = account_of(server.url(), "warehouse: W, query_tag_keys: []");
  CHECK(error_of(Reason::config, [&] { Usage(*account, kKeyed); }) ==
        "account prod: the collector things needs query_tag_keys");
  CHECK_NOTHROW(Usage(*account_of(server.url(), "warehouse: W, query_tag_keys: [a]"), kKeyed));
}

namespace {

constexpr const char* kTimeoutReply = R"({"code":"000630","message":"timeout"})";

double is_off(Reader& reader, const std::string& reason) {
  return reader.value(R"(snowflake_statement_off{account="prod",statement="things",reason=")" +
                      reason + R"("})");
}

}  // namespace

TEST_CASE("why a statement is not read is said as long as it is so") {
  now = tomorrow() + hours(3);
  Reader reader(kGroup);
  reader.server.set("SELECT THINGS", failure_reply("003001", "insufficient privileges"));
  CHECK(is_off(reader, "privilege") == 1);
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("000603", "internal error"));
  CHECK(is_off(reader, "privilege") == -1);
  now += hours(1);
  reader.server.set("SELECT THINGS", failure_reply("002003", "not authorized"));
  CHECK(is_off(reader, "privilege") == 1);
  now += hours(1);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  CHECK(is_off(reader, "privilege") == -1);
  Reader poor(kGroup, ", credits_per_day: 0.06");
  poor.set_warehouse("600");
  CHECK(is_off(poor, "credits") == 1);
}

TEST_CASE("a statement that takes too long three times in a row is read once a day") {
  const TemporaryDirectory directory;
  now = tomorrow() + hours(3);
  const auto time_out = [](Reader& reader) {
    reader.server.set("SELECT THINGS",
                      reply(408, kTimeoutReply, "Content-Type: application/json\r\n"));
  };
  {
    Reader reader(kGroup, "", directory.path());
    time_out(reader);
    for (int i = 0; i < 3; ++i) {
      CHECK(is_off(reader, "timeout") == (i < 2 ? -1 : 1));
      now += hours(1);
    }
    CHECK(reader.server.count("SELECT THINGS") == 3);
  }
  Reader reader(kGroup, "", directory.path());
  time_out(reader);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK_THAT(reader.failure, Catch::Contains("things: it is not read today"));
  CHECK(reader.server.count("SELECT THINGS") == 0);
  now = tomorrow() + hours(24);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK(reader.server.count("SELECT THINGS") == 1);
  now += hours(1);
  CHECK(is_off(reader, "timeout") == 1);
  CHECK(reader.server.count("SELECT THINGS") == 1);
  reader.server.set_rows("SELECT THINGS", kColumns, "");
  now += hours(24);
  CHECK(is_off(reader, "timeout") == -1);
  CHECK(reader.failure == "");
  CHECK(reader.server.count("SELECT THINGS") == 2);
  time_out(reader);
  now += hours(1);
  CHECK(is_off(reader, "timeout") == -1);
}

TEST_CASE("a statement that took too long while the clock was ahead is read the next day") {
  const TemporaryDirectory directory;
  const auto start = tomorrow() + hours(3);
  now = start + hours(24 * 400);
  Reader reader(kGroup, "", directory.path());
  reader.server.set("SELECT THINGS",
                    reply(408, kTimeoutReply, "Content-Type: application/json\r\n"));
  for (int i = 0; i < 3; ++i) {
    is_off(reader, "timeout");
    now += hours(1);
  }
  REQUIRE(is_off(reader, "timeout") == 1);
  now = start;
  is_off(reader, "timeout");
  reader.server.set_rows("SELECT THINGS", kColumns, row(start, "x", 5));
  now = start + hours(24);
  CHECK(reader.value(kA) == 5);
  CHECK(reader.failure.empty());
}
