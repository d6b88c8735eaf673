// One bad row in each list that SHOW returns, in each of its columns and at each place.

#include <algorithm>
#include <set>

#include "common/base/text.h"
#include "tests/exporters/snowflake/account_server.h"

using namespace exporter;
using namespace exporter::snowflake;

namespace {

/// A list, and the cells of a good row after its name.
struct Case {
  const snowflake::Module* module;
  std::string statement, columns;
  std::vector<std::string> cells;
};

std::vector<Case> cases() {
  return {
      {&kWarehouses,
       "SHOW WAREHOUSES\"",
       "name,state,type,size,max_cluster_count,started_clusters,running,queued,auto_suspend,"
       "resumed_on,resource_monitor",
       {"STARTED", "STANDARD", "Large", "3", "2", "7", "1", "300", "1780572171.880", "LIMIT"}},
      {&kResourceMonitors,
       "SHOW RESOURCE MONITORS\"",
       "name,credit_quota,used_credits,level,frequency,start_time,suspend_at,"
       "suspend_immediately_at",
       {"1000.00", "812.5", "ACCOUNT", "MONTHLY", "1780000000.000", "100%", "95%"}},
      {&kDynamicTables,
       "SHOW DYNAMIC TABLES IN ACCOUNT LIMIT 10000\"",
       "name,database_name,schema_name,target_lag,data_timestamp,scheduling_state,warehouse,"
       "refresh_mode",
       {"DB", "S", "5 minutes", "1780572171.880", "RUNNING", "ETL", "INCREMENTAL"}},
      {&kTasks,
       "SHOW TASKS IN ACCOUNT LIMIT 10000\"",
       "name,database_name,schema_name,state,last_suspended_on,last_suspended_reason",
       {"DB", "S", "suspended", "1780572171.880", "SUSPENDED_DUE_TO_ERRORS"}},
      {&kPipes,
       "SHOW PIPES IN ACCOUNT\"",
       "name,database_name,schema_name,invalid_reason",
       {"DB", "S", "stage does not exist"}},
      {&kReplicationGroups,
       "SHOW REPLICATION GROUPS\"",
       "name,account_name,type,is_primary,primary,replication_schedule,secondary_state,"
       "next_scheduled_refresh",
       {"DR", "FAILOVER", "false", "MYORG.PROD.G", "10 MINUTE", "STARTED", "1780572171.880"}},
      {&kDatabases,
       "SHOW DATABASES IN ACCOUNT LIMIT 10000\"",
       "name,kind,origin,retention_time",
       {"STANDARD", "O", "7"}},
  };
}

/// The cells of a row, as JSON.
std::vector<std::string> cells_of(const Case& each, const std::string& name) {
  std::vector<std::string> cells{'"' + name + '"'};
  for (const auto& cell : each.cells) cells.push_back('"' + cell + '"');
  return cells;
}

std::string json_of(const std::vector<std::string>& cells) {
  std::string text;
  for (const auto& cell : cells) text += (text.empty() ? "" : ",") + cell;
  return '[' + text + ']';
}

std::vector<std::string> bad_rows(const std::vector<std::string>& good) {
  std::vector<std::string> all{"null", "7", "\"a\"", "[]", "{}", "[null]"};
  for (std::size_t column = 0; column < good.size(); ++column) {
    const auto put = [&](const std::string& value) {
      auto cells = good;
      cells[column] = value;
      all.push_back(json_of(cells));
    };
    for (const auto* value :
         {"null", "7", "true", "[]", "{}", "\"\"", "\"a\"", "\"-7\"", "\"NaN\"", "\"inf\"",
          "\"1e300\"", "\"1e999\"", "\"123456789012345678901234567890\"", "\"\\u0000\""}) {
      put(value);
    }
    put('"' + std::string(100'000, 'x') + '"');
  }
  return all;
}

/// The samples of the rows with other names.
std::set<std::string> others(AccountServer& server, const Case& each,
                             const std::vector<std::string>& rows, const std::string& name) {
  std::string text;
  for (const auto& row : rows) text += (text.empty() ? "" : ",") + row;
  server.set_rows(each.statement, each.columns, text);
  const auto page = page_of(each.module->make(account_of(server.url())));
  std::set<std::string> lines;
  for (std::string_view rest = page; !rest.empty();) {
    const auto line = to_lower(next_part(rest, '\n'));
    if (line.find("row") != line.npos && line.find(name) == line.npos && line[0] != '#') {
      lines.insert(line);
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("a bad row of a list of SHOW costs itself alone") {
  AccountServer server;
  const std::vector<std::string> names{"row0", "row1", "row2"};
  for (const auto& each : cases()) {
    CAPTURE(each.module->name);
    std::vector<std::string> good;
    for (const auto& name : names) good.push_back(json_of(cells_of(each, name)));
    const auto count = bad_rows(cells_of(each, "row0")).size();
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = i % names.size();
      const auto bad = bad_rows(cells_of(each, names[at]))[i];
      CAPTURE(at, bad.substr(0, 200));
      const auto expected = others(server, each, good, names[at]);
      REQUIRE(!expected.empty());
      auto rows = good;
      rows[at] = bad;
      const auto shown = others(server, each, rows, names[at]);
      CHECK(std::ranges::includes(shown, expected));
    }
  }
}
