#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "common/app/module.h"
#include "common/app/sources.h"
#include "common/ledger/ledgers.h"
#include "exporters/snowflake/api.h"
#include "exporters/snowflake/own_warehouse.h"
#include "exporters/snowflake/read_times.h"
#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// One account: the state that its collectors share.
struct Account {
  std::string name;  ///< the label `account`
  std::string url, user, role;
  Api api;
  std::shared_ptr<Ledgers> ledgers;
  std::unique_ptr<OwnWarehouse> warehouse;  ///< null if none is configured: nothing needs one then
  std::unique_ptr<OwnWarehouse> past_warehouse;  ///< the same, with the credits of `backfill`
  /// The current time, for reading the past.
  std::chrono::sys_seconds (*clock)() = Spending::wall_clock;
  ReadTimes read_times = {};
  std::vector<std::string> dbt_results = {};  ///< file patterns, for DbtResults
  Inserts inserts = {};                       ///< texts from its configuration in statements
};

/// Checks an account: runs each SHOW statement, looks up the warehouse, and has the statements of
/// the collectors compiled, which needs no warehouse. Reports missing privileges.
Findings check_account(Account& account, std::span<const std::string_view> collectors,
                       const Deadline& deadline);

/// The accounts in the configuration file, or the one that the flags describe.
extern const SourceKind<Account> kAccounts;

using Module = exporter::Module<Account>;
extern const Module kWarehouses, kResourceMonitors, kDynamicTables, kTasks, kPipes,
    kReplicationGroups, kDatabases, kOwnCost, kReadTimes, kCost, kQueries, kAttribution, kLoad,
    kStorage, kLogins, kLoginUsers, kLoads, kTaskRuns, kRefreshes, kClustering, kReplication,
    kDatabaseReplication, kTransfer, kFreshness, kCredentials, kLocks, kAlerts, kAnomalies,
    kCurrency, kQueryTags;
/// The collectors that report on the others come last, for --once.
inline constexpr const Module* kModules[] = {&kWarehouses,
                                             &kResourceMonitors,
                                             &kDynamicTables,
                                             &kTasks,
                                             &kPipes,
                                             &kReplicationGroups,
                                             &kDatabases,
                                             &kCost,
                                             &kQueries,
                                             &kAttribution,
                                             &kQueryTags,
                                             &kLoad,
                                             &kStorage,
                                             &kLogins,
                                             &kLoginUsers,
                                             &kLoads,
                                             &kTaskRuns,
                                             &kRefreshes,
                                             &kClustering,
                                             &kReplication,
                                             &kDatabaseReplication,
                                             &kTransfer,
                                             &kFreshness,
                                             &kCredentials,
                                             &kLocks,
                                             &kAlerts,
                                             &kAnomalies,
                                             &kCurrency,
                                             &kOwnCost,
                                             &kReadTimes};

}  // namespace exporter::snowflake
