#include "exporters/snowflake/show.h"

#include "common/base/error.h"
#include "tests/exporters/snowflake/account_server.h"
#include "tests/support/error_of.h"

using namespace exporter;
using namespace exporter::snowflake;

namespace {

/// The page of a collector without comments.
std::string values(AccountServer& server, const snowflake::Module& module) {
  const auto page = page_of(module.make(account_of(server.url())));
  std::string lines;
  for (std::size_t at = 0; at < page.size();) {
    const auto end = page.find('\n', at) + 1;
    if (page[at] != '#') lines += page.substr(at, end - at);
    at = end;
  }
  return lines;
}

}  // namespace

TEST_CASE("warehouses: what they are, do and cost") {
  AccountServer server;
  server.set_rows(
      "SHOW WAREHOUSES\"",
      "name,state,type,size,max_cluster_count,started_clusters,running,queued,auto_suspend,"
      "resumed_on,resource_monitor,available",
      R"(["ETL","STARTED","STANDARD","Large","3","2","7","1","300","1780572171.880","LIMIT","100"],)"
      R"(["IDLE","SUSPENDED","STANDARD","X-Small","1","0","0","0",null,"1780000000.000","null",""],)"
      R"(["ADAPTIVE","ENABLED","ADAPTIVE",null,null,null,null,null,null,null,"null",null])");
  CHECK(
      values(server, kWarehouses) ==
      R"(snowflake_warehouse_info{account="prod",warehouse="ETL",size="Large",type="STANDARD",resource_monitor="LIMIT"} 1
snowflake_warehouse_info{account="prod",warehouse="IDLE",size="X-Small",type="STANDARD",resource_monitor=""} 1
snowflake_warehouse_info{account="prod",warehouse="ADAPTIVE",size="",type="ADAPTIVE",resource_monitor=""} 1
snowflake_warehouse_state{account="prod",warehouse="ETL",state="started"} 1
snowflake_warehouse_state{account="prod",warehouse="IDLE",state="suspended"} 1
snowflake_warehouse_state{account="prod",warehouse="ADAPTIVE",state="enabled"} 1
snowflake_warehouse_started_clusters{account="prod",warehouse="ETL"} 2
snowflake_warehouse_started_clusters{account="prod",warehouse="IDLE"} 0
snowflake_warehouse_max_clusters{account="prod",warehouse="ETL"} 3
snowflake_warehouse_max_clusters{account="prod",warehouse="IDLE"} 1
snowflake_warehouse_running_queries{account="prod",warehouse="ETL"} 7
snowflake_warehouse_running_queries{account="prod",warehouse="IDLE"} 0
snowflake_warehouse_queued_queries{account="prod",warehouse="ETL"} 1
snowflake_warehouse_queued_queries{account="prod",warehouse="IDLE"} 0
snowflake_warehouse_auto_suspend_seconds{account="prod",warehouse="ETL"} 300
snowflake_warehouse_auto_suspend_seconds{account="prod",warehouse="IDLE"} +Inf
snowflake_warehouse_last_resumed_timestamp_seconds{account="prod",warehouse="ETL"} 1780572171.88
snowflake_warehouse_last_resumed_timestamp_seconds{account="prod",warehouse="IDLE"} 1.78e+09
snowflake_warehouse_credits_per_hour{account="prod",warehouse="ETL"} 16
snowflake_warehouse_credits_per_hour{account="prod",warehouse="IDLE"} 0
snowflake_warehouses{account="prod"} 3
)");
}

TEST_CASE("resource monitors: quota and use") {
  AccountServer server;
  server.set_rows("SHOW RESOURCE MONITORS\"",
                  "name,credit_quota,used_credits,level,frequency,start_time,suspend_at,"
                  "suspend_immediately_at",
                  R"(["ALL","1000.00","812.5","ACCOUNT","MONTHLY","1780000000.000","100%","95%"],)"
                  R"(["NOTHING",null,"0.00",null,"NEVER",null,null,null])");
  CHECK(
      values(server, kResourceMonitors) ==
      R"(snowflake_resource_monitor_info{account="prod",resource_monitor="ALL",level="account",frequency="monthly"} 1
snowflake_resource_monitor_info{account="prod",resource_monitor="NOTHING",level="",frequency="never"} 1
snowflake_resource_monitor_quota_credits{account="prod",resource_monitor="ALL"} 1000
snowflake_resource_monitor_used_credits{account="prod",resource_monitor="ALL"} 812.5
snowflake_resource_monitor_used_credits{account="prod",resource_monitor="NOTHING"} 0
snowflake_resource_monitor_suspend_ratio{account="prod",resource_monitor="ALL"} 0.95
snowflake_resource_monitor_period_start_timestamp_seconds{account="prod",resource_monitor="ALL"} 1.78e+09
snowflake_resource_monitors{account="prod"} 2
)");
}

TEST_CASE("dynamic tables: lag, target and state") {
  AccountServer server;
  server.set_rows(
      "SHOW DYNAMIC TABLES IN ACCOUNT LIMIT 10000\"",
      "database_name,schema_name,name,target_lag,data_timestamp,scheduling_state,"
      "warehouse,refresh_mode",
      R"(["DB","S","ORDERS","5 minutes","1780572171.880","RUNNING","ETL","INCREMENTAL"],)"
      R"(["DB","S","PARTS","DOWNSTREAM",null,"SUSPENDED","ETL","FULL"])");
  CHECK(
      values(server, kDynamicTables) ==
      R"(snowflake_dynamic_table_info{account="prod",dataset="db.s.orders",warehouse="ETL",refresh_mode="incremental"} 1
snowflake_dynamic_table_info{account="prod",dataset="db.s.parts",warehouse="ETL",refresh_mode="full"} 1
snowflake_dynamic_table_target_lag_seconds{account="prod",dataset="db.s.orders"} 300
snowflake_dynamic_table_data_timestamp_seconds{account="prod",dataset="db.s.orders"} 1780572171.88
snowflake_dynamic_table_suspended{account="prod",dataset="db.s.orders"} 0
snowflake_dynamic_table_suspended{account="prod",dataset="db.s.parts"} 1
snowflake_dynamic_tables{account="prod"} 2
)");
}

TEST_CASE("tasks: those that errors suspended are named") {
  AccountServer server;
  server.set_rows("SHOW TASKS IN ACCOUNT LIMIT 10000\"",
                  "name,database_name,schema_name,state,last_suspended_on,last_suspended_reason",
                  R"(["A","DB","S","started",null,null],)"
                  R"(["B","DB","S","suspended","1780000000.000","USER_SUSPENDED"],)"
                  R"(["C \"x\"","DB","S","suspended","1780572171.880","SUSPENDED_DUE_TO_ERRORS"])");
  CHECK(
      values(server, kTasks) ==
      R"(snowflake_task_suspended_by_errors_timestamp_seconds{account="prod",database="DB",schema="S",task="C \"x\""} 1780572171.88
snowflake_tasks{account="prod",state="started"} 1
snowflake_tasks{account="prod",state="suspended"} 1
snowflake_tasks{account="prod",state="suspended_by_errors"} 1
)");
}

TEST_CASE("pipes: those that do not work are named") {
  AccountServer server;
  server.set_rows("SHOW PIPES IN ACCOUNT\"", "name,database_name,schema_name,invalid_reason",
                  R"(["A","DB","S",null],["B","DB","S","stage does not exist"])");
  CHECK(values(server, kPipes) ==
        R"(snowflake_pipe_invalid{account="prod",database="DB",schema="S",pipe="B"} 1
snowflake_pipes{account="prod"} 2
)");
}

TEST_CASE("replication groups: when a secondary is refreshed next") {
  AccountServer server;
  server.set_rows(
      "SHOW REPLICATION GROUPS\"",
      "account_name,name,type,is_primary,primary,replication_schedule,secondary_state,"
      "next_scheduled_refresh",
      R"(["PROD","G","FAILOVER","true","MYORG.PROD.G","10 MINUTE",null,null],)"
      R"(["DR","G","FAILOVER","false","MYORG.PROD.G","10 MINUTE","STARTED","1780572171.880"])");
  CHECK(
      values(server, kReplicationGroups) ==
      R"(snowflake_replication_group_info{account="prod",member="PROD",group="G",type="failover",primary="MYORG.PROD.G"} 1
snowflake_replication_group_info{account="prod",member="DR",group="G",type="failover",primary="MYORG.PROD.G"} 1
snowflake_replication_group_schedule_seconds{account="prod",member="DR",group="G"} 600
snowflake_replication_group_next_refresh_timestamp_seconds{account="prod",member="DR",group="G"} 1780572171.88
snowflake_replication_group_suspended{account="prod",member="DR",group="G"} 0
snowflake_replication_groups{account="prod"} 2
)");
}

TEST_CASE("databases: how long they keep what was deleted") {
  AccountServer server;
  server.set_rows(
      "SHOW DATABASES IN ACCOUNT LIMIT 10000\"", "name,kind,origin,retention_time",
      R"(["DB","STANDARD","","7"],["SNOWFLAKE","APPLICATION","SNOWFLAKE.ACCOUNT_USAGE",""])");
  CHECK(values(server, kDatabases) ==
        R"(snowflake_database_info{account="prod",database="DB",kind="standard",origin=""} 1
snowflake_database_info{account="prod",database="SNOWFLAKE",kind="application",origin="SNOWFLAKE.ACCOUNT_USAGE"} 1
snowflake_database_retention_seconds{account="prod",database="DB"} 604800
snowflake_databases{account="prod"} 2
)");
}

TEST_CASE("an empty list counts nothing") {
  AccountServer server;
  server.set_rows("SHOW WAREHOUSES\"", "name", "");
  CHECK(values(server, kWarehouses) == "snowflake_warehouses{account=\"prod\"} 0\n");
}

TEST_CASE("a check says what each statement gives") {
  AccountServer server;
  server.set_rows("SHOW WAREHOUSES\"", "name", R"(["A"],["B"])");
  server.set_rows("SHOW RESOURCE MONITORS\"", "name", "");
  server.set("SHOW PIPES", failure_reply("003001", "Insufficient privileges"));
  const auto account = account_of(server.url());
  const auto findings = check_account(*account, {}, Deadline::in(std::chrono::minutes(1)));
  REQUIRE(findings.size() == 8);
  CHECK(findings[1].what == "warehouses");
  CHECK(findings[1].text == "2 visible");
  CHECK(findings[2].text == "none visible: there are none, or the role has no privilege on any");
  CHECK(findings[2].is_good);
  CHECK(findings[5].what == "pipes");
  CHECK_FALSE(findings[5].is_good);
  CHECK_THAT(findings[5].text, Catch::Contains("003001 Insufficient privileges"));
}

TEST_CASE("a check asks for the warehouse, and has statements compiled that are on") {
  AccountServer server;
  server.set_rows("SHOW WAREHOUSES\"", "name,size,type,state,auto_suspend",
                  R"(["W","X-Small","STANDARD","SUSPENDED","600"])");
  server.set_rows("EXPLAIN SELECT COALESCE(WAREHOUSE_NAME", "step", R"(["GlobalStats"])");
  server.set("EXPLAIN SELECT COALESCE(SERVICE_TYPE", failure_reply("002003", "not authorized"));
  const auto soon = Deadline::in(std::chrono::minutes(1));
  const std::string_view names[] = {"queries", "cost", "warehouses"};
  const auto findings = check_account(*account_of(server.url(), "warehouse: W"), names, soon);
  REQUIRE(findings.size() == 11);
  CHECK(findings[8].what == "warehouse");
  CHECK(findings[8].text == "1 credits an hour, suspends after 10m");
  CHECK(findings[9].what == "cost");
  CHECK_FALSE(findings[9].is_good);
  CHECK_THAT(findings[9].text,
             Catch::Contains("002003 not authorized") && Catch::EndsWith("SNOWFLAKE.USAGE_VIEWER"));
  CHECK(findings[10].what == "queries");
  CHECK(findings[10].text == "allowed");
  CHECK(server.count("\"warehouse\":") == 0);
  const auto other = check_account(*account_of(server.url(), "warehouse: w"), {}, soon);
  REQUIRE(other.size() == 9);
  CHECK_THAT(other[8].text, Catch::Contains("it does not exist"));
  CHECK_FALSE(other[8].is_good);
}

TEST_CASE("a check ends at a refused login") {
  AccountServer server;
  server.set("SHOW", reply(401, "{}"));
  const auto account = account_of(server.url());
  const auto findings = check_account(*account, {}, Deadline::in(std::chrono::minutes(1)));
  REQUIRE(findings.size() == 2);
  CHECK_THAT(findings[1].text, Catch::Contains("the OAuth token is rejected"));
}
