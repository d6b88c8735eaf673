#include <algorithm>
#include <cstdio>
#include <string>

#include "common/base/error.h"
#include "common/base/time.h"
#include "exporters/snowflake/groups.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

Finding check_warehouse(OwnWarehouse& warehouse, const Deadline& deadline) {
  try {
    const auto price = warehouse.price(deadline);
    char credits[32];
    std::snprintf(credits, sizeof credits, "%.4g", price.credits_per_hour);
    return {"warehouse", std::string(credits) + " credits an hour, suspends after " +
                             format_duration(price.auto_suspend)};
  } catch (const Error& error) {
    return {"warehouse", error.what(), false};
  }
}

/// EXPLAIN compiles a statement and does not run it (docs.snowflake.com, "EXPLAIN").
Finding check_group(Account& account, const Group& group, const Deadline& deadline) {
  const std::string name(group.name);
  const auto now = account.clock();
  for (const auto& statement : group.statements) {
    try {
      account.api.run(
          {.name = std::string(statement.name),
           .text = "EXPLAIN " + text_of(statement, now - statement.horizon, now, account.inserts)},
          deadline);
    } catch (const Error& error) {
      const bool is_right = error.reason() == Reason::auth;
      const auto role = group.database_role == kImportedPrivileges
                            ? "IMPORTED PRIVILEGES on the database SNOWFLAKE"
                            : "the database role SNOWFLAKE." + std::string(group.database_role);
      return {name, error.what() + (is_right ? "; it needs " + role : ""), false};
    }
  }
  return {name, "allowed"};
}

}  // namespace

/// A rejected login is the same for all statements: the error of the first one suffices.
Findings check_account(Account& account, std::span<const std::string_view> collectors,
                       const Deadline& deadline) {
  Findings findings{{"URL", account.url}};
  for (const auto& [what, statement] : kShows) {
    std::string name(what);
    std::replace(name.begin(), name.end(), '_', ' ');
    try {
      Samples none;
      const auto seen = show(account, statement, none, deadline, [](const Row&) {});
      findings.push_back(
          {name, seen > 0 ? std::to_string(seen) + " visible"
                          : "none visible: there are none, or the role has no privilege on any"});
    } catch (const Error& error) {
      findings.push_back({name, error.what(), false});
      const bool is_login = error.reason() != Reason::query;
      if (is_login && findings.size() == 2) return findings;
    }
  }
  if (!account.warehouse) return findings;
  findings.push_back(check_warehouse(*account.warehouse, deadline));
  for (const auto* group : kGroups) {
    if (std::ranges::find(collectors, group->name) == collectors.end()) continue;
    findings.push_back(check_group(account, *group, deadline));
  }
  return findings;
}

}  // namespace exporter::snowflake
