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

/// One account: what its collectors share.
struct Account {
  std::string name;  ///< the label `account`
  std::string url, user, role;
  Api api;
  std::shared_ptr<Ledgers> ledgers;
  std::unique_ptr<OwnWarehouse> warehouse;  ///< null where none is given: nothing needs one then
  std::unique_ptr<OwnWarehouse> past_warehouse;  ///< the same, with the credits of `backfill`
  /// When it is, for what is read of the past.
  std::chrono::sys_seconds (*clock)() = Spending::wall_clock;
  ReadTimes read_times = {};
  std::vector<std::string> dbt_results = {};  ///< patterns of files, for DbtResults
  Inserts inserts = {};                       ///< what its configuration puts into statements
};

/// Asks an account for what each SHOW statement gives and for its warehouse, has it compile the
/// statements of the collectors, which needs no warehouse, and says what is not allowed.
Findings check_account(Account& account, std::span<const std::string_view> collectors,
                       const Deadline& deadline);

/// The accounts of the configuration file, or the one that the flags describe.
extern const SourceKind<Account> kAccounts;

using Module = exporter::Module<Account>;
extern const Module kWarehouses, kResourceMonitors, kDynamicTables, kTasks, kPipes,
    kReplicationGroups, kDatabases, kOwnCost, kReadTimes, kCost, kQueries, kAttribution, kLoad,
    kStorage, kLogins, kLoginUsers, kLoads, kTaskRuns, kRefreshes, kClustering, kReplication,
    kDatabaseReplication, kTransfer, kFreshness, kCredentials, kLocks, kAlerts, kAnomalies,
    kCurrency, kQueryTags;
/// What says how the others did comes last, for --once.
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
