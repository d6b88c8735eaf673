#include "exporters/snowflake/reports.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "common/base/text.h"
#include "common/base/time.h"
#include "exporters/snowflake/groups.h"
#include "exporters/snowflake/show.h"

namespace exporter::snowflake {
namespace {

using std::chrono::seconds;
using Names = std::span<const std::string_view>;

constexpr seconds kDay = std::chrono::days(1);

bool is_among(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<const Group*> groups_of(Names collectors) {
  std::vector<const Group*> groups;
  for (const auto* group : kGroups) {
    if (is_among(collectors, group->name)) groups.push_back(group);
  }
  return groups;
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// A quoted identifier, which keeps its case.
std::string identifier(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) text.append(c == '"' ? 2 : 1, c);
  return text + '"';
}

std::string or_else(const std::string& name, std::string_view otherwise) {
  return name.empty() ? std::string(otherwise) : name;
}

/// The privileges for each SHOW collector, according to the documentation of its statement: it
/// lists the objects on which the role has any privilege.
std::string show_grants(Names collectors, const std::string& role) {
  static constexpr std::pair<std::string_view, std::string_view> kGrants[] = {
      {"warehouses",
       "-- For each warehouse that should be visible:\n"
       "--   GRANT MONITOR ON WAREHOUSE <name> TO ROLE {role};\n"},
      {"resource_monitors",
       "-- For each resource monitor:\n"
       "--   GRANT MONITOR ON RESOURCE MONITOR <name> TO ROLE {role};\n"},
      {"dynamic_tables",
       "-- For each database with dynamic tables:\n"
       "--   GRANT USAGE ON DATABASE <name> TO ROLE {role};\n"
       "--   GRANT USAGE ON ALL SCHEMAS IN DATABASE <name> TO ROLE {role};\n"
       "--   GRANT MONITOR ON ALL DYNAMIC TABLES IN DATABASE <name> TO ROLE {role};\n"
       "--   GRANT MONITOR ON FUTURE DYNAMIC TABLES IN DATABASE <name> TO ROLE {role};\n"},
      {"tasks",
       "GRANT MONITOR EXECUTION ON ACCOUNT TO ROLE {role};  -- tasks and pipes of databases "
       "and schemas that the role may use\n"},
      {"replication_groups",
       "-- For each replication or failover group:\n"
       "--   GRANT MONITOR ON REPLICATION GROUP <name> TO ROLE {role};\n"
       "--   GRANT MONITOR ON FAILOVER GROUP <name> TO ROLE {role};\n"},
      {"databases",
       "-- For each database:\n"
       "--   GRANT USAGE ON DATABASE <name> TO ROLE {role};\n"},
  };
  std::string text;
  for (const auto& [name, grants] : kGrants) {
    const bool is_wanted =
        is_among(collectors, name) || (name == "tasks" && is_among(collectors, "pipes"));
    if (is_wanted) text += grants;
  }
  for (auto at = text.find("{role}"); at != std::string::npos; at = text.find("{role}")) {
    text.replace(at, 6, role);
  }
  return text;
}

std::string warehouse_grants(const OwnWarehouse& own, const std::string& role) {
  const auto warehouse = identifier(own.options().name);
  const auto monitor = identifier(own.options().name + "_LIMIT");
  std::string text =
      "CREATE WAREHOUSE IF NOT EXISTS " + warehouse +
      " WAREHOUSE_SIZE = XSMALL AUTO_SUSPEND = 60 AUTO_RESUME = TRUE INITIALLY_SUSPENDED = TRUE;\n"
      "GRANT USAGE ON WAREHOUSE " +
      warehouse + " TO ROLE " + role + ";\n";
  const double cap = own.options().credits_per_day, backfill = own.options().backfill_credits;
  if (cap <= 0 || backfill <= 0) return text;
  // A quota is a whole number of credits. It applies whatever this exporter does.
  const auto quota = static_cast<std::int64_t>(std::ceil(cap + backfill));
  return text + "CREATE RESOURCE MONITOR IF NOT EXISTS " + monitor +
         " WITH CREDIT_QUOTA = " + std::to_string(quota) +
         " FREQUENCY = DAILY START_TIMESTAMP = IMMEDIATELY\n"
         "  TRIGGERS ON 80 PERCENT DO NOTIFY ON 100 PERCENT DO SUSPEND_IMMEDIATE;\n"
         "ALTER WAREHOUSE " +
         warehouse + " SET RESOURCE_MONITOR = " + monitor + ";\n";
}

std::string usage_grants(std::span<const Group* const> groups, const std::string& role) {
  std::set<std::string_view> roles;
  for (const auto* group : groups) roles.insert(group->database_role);
  std::string text;
  for (const auto database_role : roles) {
    text += database_role == kImportedPrivileges
                ? "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE " + role +
                      ";  -- all of the database, also views of the organization\n"
                : "GRANT DATABASE ROLE SNOWFLAKE." + std::string(database_role) + " TO ROLE " +
                      role + ";\n";
  }
  return text;
}

std::string readers_of(const Group& group) {
  if (group.database_role == kImportedPrivileges) return std::string(kImportedPrivileges);
  return "the database role SNOWFLAKE." + std::string(group.database_role);
}

std::string indented(std::string_view text) {
  std::string lines;
  while (!text.empty()) lines.append("      ").append(next_part(text, '\n')).append("\n");
  return lines;
}

/// The number of cycles after which a group is due again.
std::int64_t cycles_of(const Group& group, const WarehouseOptions& options) {
  return (std::max(group.pace, options.cycle) + options.cycle - seconds(1)) / options.cycle;
}

/// The cost of a day in which each group is read when it is due, one statement after the other.
std::string cost_of_a_day(const WarehouseOptions& options, std::span<const Group* const> groups) {
  constexpr std::int64_t kStatement = 2, kAutoSuspend = 60;  // seconds
  std::int64_t resumptions = 0, statements = 0;
  for (std::int64_t cycle = 0; cycle < kDay / options.cycle; ++cycle) {
    const auto before = statements;
    for (const auto* group : groups) {
      if (cycle % cycles_of(*group, options) == 0) {
        statements += static_cast<std::int64_t>(group->statements.size());
      }
    }
    resumptions += statements > before ? 1 : 0;
  }
  const auto billed =
      std::min<std::int64_t>(statements * kStatement + resumptions * kAutoSuspend, kDay.count());
  const double credits = static_cast<double>(billed) / 3600 * options.credits_per_hour.value_or(1);
  std::string text = "    A day: " + std::to_string(statements) + " statements, " +
                     std::to_string(resumptions) + " resumptions, " + std::to_string(billed) +
                     " s, " + number(credits) +
                     " credits, if the warehouse is an X-Small that suspends after 60 s and a "
                     "statement takes 2 s.\n";
  if (options.credits_per_day <= 0) return text + "    There is no limit (credits_per_day: 0).\n";
  text += "    It never takes more than " + number(options.credits_per_day) +
          " credits (credits_per_day)";
  return text + (credits > options.credits_per_day
                     ? ": cycles become longer, so that the credits last for the day.\n"
                     : ".\n");
}

}  // namespace

std::string write_grants(Account& account, Names collectors) {
  const auto role = identifier(or_else(account.role, "DATA_PLATFORM_EXPORTER"));
  const auto user = identifier(or_else(account.user, "DATA_PLATFORM_EXPORTER"));
  std::string text = "-- account " + account.name + ", to be run as ACCOUNTADMIN\n";
  text += "CREATE ROLE IF NOT EXISTS " + role + ";\n";
  text += "CREATE USER IF NOT EXISTS " + user + " TYPE = SERVICE DEFAULT_ROLE = " + role + ";\n";
  text += "GRANT ROLE " + role + " TO USER " + user + ";\n";
  text += "-- The public key, without its first and last line:\n";
  text += "--   ALTER USER " + user + " SET RSA_PUBLIC_KEY = '...';\n";
  text += show_grants(collectors, role);
  const auto groups = groups_of(collectors);
  text += usage_grants(groups, role);
  if (account.warehouse && !groups.empty()) text += warehouse_grants(*account.warehouse, role);
  return text;
}

std::string write_dry_run(Account& account, Names collectors) {
  std::string text = account.name +
                     "\n  without a warehouse: only cloud services are billed, and only above a "
                     "tenth of the day's warehouse credits\n";
  for (const auto* module : kModules) {
    for (const auto& [name, show] : kShows) {
      if (name != module->name || !is_among(collectors, name)) continue;
      const auto every = std::get<Every>(module->schedule).interval;
      text += "    " + std::string(name) + ", each " +
              format_duration(std::chrono::duration_cast<std::chrono::milliseconds>(every)) + "\n" +
              indented(show.text);
    }
  }
  const auto groups = groups_of(collectors);
  if (groups.empty() || !account.warehouse) return text;
  const auto& options = account.warehouse->options();
  const auto now = std::chrono::floor<seconds>(Ledger::wall_clock());
  text += "  on the warehouse " + options.name + ", which is resumed each " +
          format_duration(options.cycle) + " at most\n";
  for (const auto* group : groups) {
    text += "    " + std::string(group->name) + ", each " +
            format_duration(options.cycle * cycles_of(*group, options)) + ", by " +
            readers_of(*group) + "\n";
    for (const auto& statement : group->statements) {
      text += "      -- " + std::string(statement.name) + "\n" +
              indented(text_of(statement, now - statement.horizon, now, account.inserts));
    }
  }
  return text + cost_of_a_day(options, groups);
}

}  // namespace exporter::snowflake
