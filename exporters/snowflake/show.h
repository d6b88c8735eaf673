#pragma once

#include <functional>
#include <string_view>
#include <utility>

#include "exporters/snowflake/account.h"

namespace exporter::snowflake {

/// A SHOW statement for the whole account, which needs no warehouse. It returns at most 10000 rows:
/// some lists are truncated silently, others fail without a LIMIT.
struct Show {
  std::string_view name;  ///< "show_warehouses"
  std::string_view text;
};
constexpr Show kShowWarehouses{"show_warehouses", "SHOW WAREHOUSES"},
    kShowResourceMonitors{"show_resource_monitors", "SHOW RESOURCE MONITORS"},
    kShowDynamicTables{"show_dynamic_tables", "SHOW DYNAMIC TABLES IN ACCOUNT LIMIT 10000"},
    kShowTasks{"show_tasks", "SHOW TASKS IN ACCOUNT LIMIT 10000"},
    kShowPipes{"show_pipes", "SHOW PIPES IN ACCOUNT"},
    kShowReplicationGroups{"show_replication_groups", "SHOW REPLICATION GROUPS"},
    kShowDatabases{"show_databases", "SHOW DATABASES IN ACCOUNT LIMIT 10000"};

/// The statement of each collector that needs no warehouse.
inline constexpr std::pair<std::string_view, Show> kShows[] = {
    {"warehouses", kShowWarehouses},
    {"resource_monitors", kShowResourceMonitors},
    {"dynamic_tables", kShowDynamicTables},
    {"tasks", kShowTasks},
    {"pipes", kShowPipes},
    {"replication_groups", kShowReplicationGroups},
    {"databases", kShowDatabases},
};

/// Calls `read` with each row, as Table::each_row() does, and returns their number. The role sees
/// only objects on which it has a privilege: zero rows may mean none, or no privilege. Throws as
/// Api::run() does.
std::size_t show(Account& account, const Show& statement, Samples& samples,
                 const Deadline& deadline, const std::function<void(const Row&)>& read);

/// database.schema.name in lower case, like the label `dataset` of all exporters.
std::string dataset_of(const Row& row);

}  // namespace exporter::snowflake
