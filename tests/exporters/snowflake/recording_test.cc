#include "exporters/snowflake/recording.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <set>

#include "common/base/log.h"
#include "common/base/text.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/caught_log.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

using namespace exporter;
using namespace exporter::snowflake;

namespace {

const Statement kShow{.name = "show_things", .text = "SHOW THINGS"};
constexpr const char* kJson = "Content-Type: application/json\r\n";
constexpr std::size_t kMegabyte = 1 << 20;

Table run(const std::string& url, const std::filesystem::path& directory) {
  const auto account = account_of(url, "record: '" + directory.string() + "'");
  return account->api.run(kShow, Deadline::in(std::chrono::minutes(5)));
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The recorded answer to kShow. Throws if it is not valid JSON.
Json recorded_in(const std::filesystem::path& directory) {
  return Json::parse(text_of(directory / "show_things.json"), "recording");
}

std::set<std::string> names_in(const std::filesystem::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename());
  }
  return names;
}

bool is_pseudonym(const std::string& text) {
  return !text.empty() &&
         text.find_first_not_of("abcdefghijklmnopABCDEFGHIJKLMNOP.") == std::string::npos;
}

}  // namespace

TEST_CASE("what collectors parse is recorded as it is") {
  struct Case {
    std::string column, type;
    std::vector<std::string> values;
  };
  for (const auto& [column, type, values] : std::vector<Case>{
           // SHOW WAREHOUSES
           {"state", "text", {"STARTED", "SUSPENDED", "RESIZING", "ENABLED"}},
           {"size", "text", {"X-Small", "2X-Large", "XXXLARGE", "Medium"}},
           {"type", "text", {"STANDARD", "SNOWPARK-OPTIMIZED", "ADAPTIVE", "FAILOVER"}},
           {"resource_constraint", "text", {"STANDARD_GEN_2", "MEMORY_16X_x86"}},
           {"generation", "text", {"1", "2"}},
           {"max_cluster_count", "fixed", {"3"}},
           {"started_clusters", "fixed", {"0"}},
           {"auto_suspend", "FIXED", {"600"}},
           {"resumed_on", "timestamp_ltz", {"1780572171.880", "1565481394123000000", "-5"}},
           // SHOW RESOURCE MONITORS
           {"credit_quota", "text", {"1000.00", "1e3"}},
           {"used_credits", "text", {"812.5", "0.00"}},
           {"suspend_at", "text", {"90%", "90", " 90 %"}},
           {"suspend_immediately_at", "text", {"100%"}},
           {"level", "text", {"ACCOUNT", "WAREHOUSE"}},
           {"frequency", "text", {"MONTHLY", "NEVER"}},
           {"start_time", "timestamp_ltz", {"1780000000.000"}},
           // SHOW DYNAMIC TABLES, TASKS, REPLICATION GROUPS
           {"target_lag", "text", {"1 minute", "5 minutes", "1 hour", "DOWNSTREAM"}},
           {"scheduling_state", "text", {"RUNNING", "SUSPENDED"}},
           {"refresh_mode", "text", {"INCREMENTAL", "CUSTOM_INCREMENTAL"}},
           {"data_timestamp", "timestamp_ltz", {"1780572171.880"}},
           {"last_suspended_reason", "text", {"SUSPENDED_DUE_TO_ERRORS", "USER_SUSPENDED"}},
           {"replication_schedule",
            "text",
            {"10 MINUTE", "USING CRON 0 9-17/2 * * MON,SUN America/Los_Angeles"}},
           {"secondary_state", "text", {"STARTED", "SUSPENDED"}},
           {"is_primary", "text", {"true", "FALSE", "Y", "n"}},
           // SHOW DATABASES
           {"kind", "text", {"STANDARD", "IMPORTED DATABASE", "CATALOG-LINKED DATABASE"}},
           {"retention_time", "text", {"1", "90"}},
           // SELECT
           {"L_STATUS", "text", {"success", "partially_loaded"}},
           {"L_SERVICE", "text", {"WAREHOUSE_METERING", "AI_SERVICES"}},
           {"L_RATING", "text", {"data transfer"}},
           {"L_SECOND_FACTOR", "text", {"yes", "no"}},
           {"L_PIPE_ID", "fixed", {"21"}},
           {"B", "fixed", {"1780572000"}},
           {"V_CREDITS", "fixed", {"0.000000001"}},
           {"V_RUNNING_SECONDS", "real", {"1.5E-7", "300"}},
           {"G_RATE", "decfloat", {"1.234e40"}},
           {"WHATEVER", "boolean", {"true", "false"}},
           {"WHATEVER", "date", {"18262"}},
           {"WHATEVER", "timestamp_tz", {"1616173619.000000000 1500", "2021-01-20 12:34:56.034"}},
           // Absent in any column
           {"resource_monitor", "text", {"null", ""}},
           {"owner", "text", {""}},
       }) {
    for (const auto& value : values) {
      CAPTURE(column, type);
      CHECK(redacted(column, type, value) == value);
    }
  }
}

TEST_CASE("what users name or write is a pseudonym, and all that is not known") {
  const std::string megabyte(kMegabyte, 'x');
  struct Case {
    std::string column, type;
    std::vector<std::string> values;
  };
  for (const auto& [column, type, values] : std::vector<Case>{
           {"name", "text", {"PAYROLL_WH", "12", "Y", "true", "STARTED", "5 minutes"}},
           {"owner", "text", {"PAYROLL_ADMIN"}},
           {"comment", "text", {"ask Jo: 555-1234"}},
           {"definition", "text", {"copy into PAYROLL from @s3"}},
           {"warehouse", "text", {"PAYROLL_WH"}},
           {"resource_monitor", "text", {"PAYROLL"}},
           {"invalid_reason", "text", {"Table 'PAYROLL.X' does not exist"}},
           {"account_name", "text", {"PAYROLL"}},
           {"account_locator", "text", {"12345"}},
           {"primary", "text", {"PAYROLL.PROD.G"}},
           {"snowflake_region", "text", {"AWS_PAYROLL"}},
           {"predecessors", "array", {R"(["PAYROLL.JOBS.T"])"}},
           {"config", "object", {R"({"secret":1})"}},
           {"is_payroll", "text", {"Y"}},
           {"state_of_payroll", "text", {"STARTED"}},
           {"L_WAREHOUSE", "text", {"PAYROLL_WH"}},
           {"L_CLIENT", "text", {"payroll"}},
           {"L_CONTRACT", "text", {"4711"}},
           {"L_TARGET", "text", {"prod"}},
           {"L_UNIQUE_ID", "text", {"model.payroll.salaries"}},
           {"NEW", "text", {"2", "word"}},
           {"NEW", "", {"2"}},
           {"state", "variant", {"STARTED"}},
           // Kept columns with unexpected values
           {"state",
            "text",
            {"PAYROLL.STARTED", "a \"b\"", "a\\b", "a\nb", "\xff", "Æ", megabyte,
             std::string("a\0b", 3), std::string(65, 'x')}},
           {"suspend_at", "text", {"90% of PAYROLL", "PAYROLL 90%", "90%\n", "0x5ec"}},
           {"retention_time", "text", {"1 hunter2", std::string(65, '1')}},
           {"V_BYTES", "fixed", {"12 secret", "secret12", "1\n2", "1'2"}},
           {"resumed_on", "timestamp_ltz", {"1780572171.880 secret"}},
           {"target_lag", "text", {"5 minutes; drop table", "'5 minutes'", "5\tminutes"}},
       }) {
    for (const auto& value : values) {
      CAPTURE(column, type, value.substr(0, 80));
      const auto other = redacted(column, type, value);
      CHECK(is_pseudonym(other));
      CHECK(other != value);
      CHECK(other.size() < 40);
    }
  }
}

TEST_CASE("the same text has the same pseudonym in all columns, another one another") {
  const auto of = [](std::string_view text) { return redacted("name", "text", text); };
  CHECK(of("LOAD_WH") == redacted("L_WAREHOUSE", "text", "LOAD_WH"));
  std::set<std::string> pseudonyms;
  const std::vector<std::string> texts = {"a",   "A", "ab", "AB", "Ab", "aB", "abc", "aBc",
                                          "abC", "1", "2",  "_",  "é",  "É",  "a b", "a  b"};
  for (const auto& text : texts) pseudonyms.insert(of(text));
  CHECK(pseudonyms.size() == texts.size());
}

TEST_CASE("pseudonyms are joined and folded as names are") {
  const auto of = [](std::string_view text) { return redacted("name", "text", text); };
  CHECK(of("RAW.Events.orders") == of("RAW") + '.' + of("Events") + '.' + of("orders"));
  CHECK(of(".RAW.") == '.' + of("RAW") + '.');
  CHECK(to_lower(of("RAW.Events.orders")) == of("raw.events.orders"));
  const auto text = of("one. two. three. And four.");
  CHECK(text.find('.') == std::string::npos);
}

TEST_CASE("an answer is a file that has all but names and texts") {
  AccountServer server;
  auto body = rows_body("name,state,running,note",
                        R"(["PAYROLL","STARTED","3",null],["a \"b\"\n","SUSPENDED","null",""])");
  const std::string type = R"("name":"running","type":"text")";
  body.replace(body.find(type), type.size(),
               R"("name":"running","type":"fixed","nullable":true,"precision":9,"scale":0,)"
               R"("database":"PAYROLL","schema":"PAYROLL","table":"PAYROLL","collation":null)");
  server.set("SHOW", reply(200, body, kJson));
  const TemporaryDirectory parent;
  const auto directory = parent.path() / "a" / "b";
  CHECK(run(server.url(), directory).size() == 2);
  CHECK(names_in(directory) == std::set<std::string>{"show_things.json"});
  struct stat status {};
  REQUIRE(::stat((directory / "show_things.json").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK_THAT(text_of(directory / "show_things.json"), !Catch::Contains("PAYROLL"));
  const auto recorded = recorded_in(directory);
  CHECK_THAT(recorded.at("exporter").string(), Catch::StartsWith("snowflake_exporter "));
  CHECK(recorded.at("statement").string() == "show_things");
  recorded.at("time").time();
  CHECK(recorded.at("status").integer() == 200);
  CHECK(recorded.at("code").string() == "090001");
  CHECK(recorded.at("row_count").integer() == 2);
  const auto columns = recorded.at("columns").items();
  REQUIRE(columns.size() == 4);
  CHECK(columns[2].at("type").string() == "fixed");
  CHECK(columns[2].at("nullable").boolean());
  CHECK(columns[2].at("precision").integer() == 9);
  CHECK(columns[2].at("scale").integer() == 0);
  const auto rows = recorded.at("rows").items();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].items()[0].string() == redacted("name", "text", "PAYROLL"));
  CHECK(rows[0].items()[1].string() == "STARTED");
  CHECK(rows[0].items()[2].string() == "3");
  CHECK(rows[0].items()[3].is_null());
  CHECK(rows[1].items()[0].string() == redacted("name", "text", "a \"b\"\n"));
  CHECK(rows[1].items()[2].string() == "null");
  CHECK(rows[1].items()[3].string().empty());
}

TEST_CASE("the newest answer to a statement is the one that is kept") {
  AccountServer server;
  const TemporaryDirectory directory;
  server.set_rows("SHOW", "name", R"(["a"],["b"])");
  run(server.url(), directory.path());
  server.set("SHOW", failure_reply("003001", "PAYROLL may not"));
  CHECK_THROWS_AS(run(server.url(), directory.path()), StatementFailed);
  const auto refusal = recorded_in(directory.path());
  CHECK(refusal.at("status").integer() == 422);
  CHECK(refusal.at("code").string() == "003001");
  CHECK(refusal.at("sql_state").string() == "42501");
  CHECK(refusal.members().size() == 6);
  CHECK_THAT(text_of(directory.path() / "show_things.json"), !Catch::Contains("PAYROLL"));
  server.set_rows("SHOW", "name", "");
  run(server.url(), directory.path());
  CHECK(recorded_in(directory.path()).at("row_count").integer() == 0);
}

TEST_CASE("a refusal has of its body what is Snowflake's") {
  AccountServer server;
  const TemporaryDirectory directory;
  const auto recorded = [&](const std::string& body) {
    server.set("SHOW", reply(403, body, kJson));
    CHECK_THROWS_AS(run(server.url(), directory.path()), Error);
    return recorded_in(directory.path());
  };
  for (const auto* body : {"<html>PAYROLL</html>", "[]", R"({"message":"PAYROLL"})"}) {
    CHECK(recorded(body).at("status").integer() == 403);
    CHECK(recorded(body).members().size() == 4);
  }
  CHECK(is_pseudonym(recorded(R"({"code":"of PAYROLL: no"})").at("code").string()));
  const auto odd = recorded(R"({"code":{"PAYROLL":1},"sqlState":"42501"})");
  CHECK(odd.at("sql_state").string() == "42501");
  CHECK(odd.members().size() == 5);
}

TEST_CASE("all partitions are recorded, and cells that are no text") {
  AccountServer server;
  auto body = rows_body("name,state", R"(["a",1])");
  const std::string one = R"([{"rowCount":1}])";
  body.replace(body.find(one), one.size(), R"([{"rowCount":1},{"rowCount":2}])");
  server.set("SHOW", reply(200, body, kJson));
  server.set_path("01-a?partition=1",
                  reply(200, R"({"data":[["b",{"PAYROLL":1},"more"],["c"]]})", kJson));
  const TemporaryDirectory directory;
  CHECK(run(server.url(), directory.path()).size() == 3);
  const auto recorded = recorded_in(directory.path());
  CHECK(recorded.at("row_count").integer() == 3);
  const auto rows = recorded.at("rows").items();
  REQUIRE(rows.size() == 3);
  CHECK_FALSE(rows[0].items()[1].boolean());
  CHECK(rows[1].items().size() == 2);
  CHECK_FALSE(rows[1].items()[1].boolean());
  CHECK(rows[2].items().size() == 1);
}

TEST_CASE("an answer that cannot be read is recorded") {
  AccountServer server;
  const TemporaryDirectory directory;
  server.set_rows("SHOW", "name,NAME", R"(["a","b"])");
  CHECK_THROWS_AS(run(server.url(), directory.path()), Error);
  CHECK(recorded_in(directory.path()).at("columns").items().size() == 2);
}

TEST_CASE("a file has as many rows as fit, and says how many there were") {
  AccountServer server;
  std::string rows;
  for (int i = 0; i < 60'000; ++i) {
    rows += (i > 0 ? "," : "") + std::string(R"(["a.b.c","d.e.f"])");
  }
  server.set_rows("SHOW", "name,owner", rows);
  const TemporaryDirectory directory;
  CHECK(run(server.url(), directory.path()).size() == 60'000);
  const auto size = std::filesystem::file_size(directory.path() / "show_things.json");
  CHECK(size > 2 * kMegabyte);
  CHECK(size < 2 * kMegabyte + 1000);
  const auto recorded = recorded_in(directory.path());
  CHECK(recorded.at("row_count").integer() == 60'000);
  CHECK(recorded.at("rows").items().size() > 10'000);
}

TEST_CASE("what cannot be written is one warning, and nothing else") {
  AccountServer server;
  server.set_rows("SHOW", "name", R"(["a"])");
  const TemporaryDirectory directory;
  SECTION("a directory that cannot be made") {
    const testing::CaughtLog log(directory.path() / "log");
    const auto account =
        account_of(server.url(), "record: '" + directory.write("file", "") + "/directory'");
    for (int i = 0; i < 3; ++i) {
      CHECK(account->api.run(kShow, Deadline::in(std::chrono::minutes(5))).size() == 1);
    }
    log::flush(std::chrono::minutes(5));
    CHECK(log.lines("not all answers are recorded").size() == 1);
  }
  SECTION("a file that cannot be replaced") {
    std::filesystem::create_directory(directory.path() / "show_things.json");
    const testing::CaughtLog log(directory.path() / "log");
    CHECK(run(server.url(), directory.path()).size() == 1);
    log::flush(std::chrono::minutes(5));
    CHECK(log.lines("not all answers are recorded").size() == 1);
    CHECK(names_in(directory.path()) == std::set<std::string>{"log", "show_things.json"});
  }
}
