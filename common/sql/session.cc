#include "common/sql/session.h"

#include <span>

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::sql {
namespace {

/// A session setting.
struct Setting {
  std::string_view name;      ///< for a user
  std::string_view set;       ///< the statement that sets it; empty if none does
  std::string_view read;      ///< the query that reads it
  std::string_view expected;  ///< its expected result
};

// Settings that poolers keep for each client; all others are set in each transaction.
constexpr std::string_view kPostgresql =
    "SELECT set_config('TimeZone', 'UTC', false), "
    "set_config('application_name', 'sql_exporter', false), "
    "set_config('standard_conforming_strings', 'on', false)";

constexpr Setting kPostgresqlSettings[] = {
    {"time zone UTC", kPostgresql, "SELECT current_setting('TimeZone')", "UTC"},
};
constexpr Setting kMariaDbSettings[] = {
    {"read-only", "SET SESSION TRANSACTION READ ONLY", "SELECT @@session.tx_read_only", "1"},
    {"time zone UTC", "SET time_zone = '+00:00'", "SELECT @@session.time_zone", "+00:00"},
};
constexpr Setting kMysqlSettings[] = {
    {"read-only", "SET SESSION TRANSACTION READ ONLY", "SELECT @@session.transaction_read_only",
     "1"},
    {"time zone UTC", "SET time_zone = '+00:00'", "SELECT @@session.time_zone", "+00:00"},
};
constexpr Setting kSqliteSettings[] = {
    {"read-only", "PRAGMA query_only = 1", "PRAGMA query_only", "1"},
};
constexpr Setting kSqlserverSettings[] = {
    {"read-only", "", "", ""},
};
constexpr Setting kOtherSettings[] = {
    {"read-only", "", "", ""},
    {"time zone UTC", "", "", ""},
};

std::span<const Setting> settings_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::postgresql: return kPostgresqlSettings;
    case Dialect::mariadb: return kMariaDbSettings;
    case Dialect::mysql: return kMysqlSettings;
    case Dialect::sqlite: return kSqliteSettings;
    case Dialect::sqlserver: return kSqlserverSettings;
    case Dialect::other: return kOtherSettings;
  }
  return {};
}

/// Why the setting is not in effect; empty if it is.
std::string problem(const Setting& setting, const Execute& execute) {
  if (setting.read.empty()) return "this database has no such setting";
  try {
    if (!setting.set.empty()) execute(std::string(setting.set));
    const auto table = execute(std::string(setting.read));
    const auto value = table.rows() == 1 ? table.at(0, 0) : std::nullopt;
    if (value && equal_ignoring_case(*value, setting.expected)) return {};
    return "it was set and is '" + std::string(value.value_or("")) + "'";
  } catch (const Error& error) {
    if (!is_refusal(error)) throw;
    return error.what();
  }
}

std::string seconds(std::chrono::milliseconds time) {
  return std::to_string(time.count() / 1000) + "." +
         std::to_string(1000 + time.count() % 1000).substr(1);
}

/// Whole seconds, at least one: 0 would mean no limit.
std::string whole_seconds(std::chrono::milliseconds time) {
  return std::to_string(std::max<std::int64_t>(1, (time.count() + 999) / 1000));
}

std::string limiting(Dialect dialect, std::chrono::milliseconds limit, std::size_t rows) {
  const auto wait = limit / 2;
  const auto select = ", sql_select_limit = " + std::to_string(rows);
  switch (dialect) {
    case Dialect::mariadb:
      return "SET SESSION max_statement_time = " + seconds(limit) +
             ", lock_wait_timeout = " + whole_seconds(wait) + select;
    case Dialect::mysql:
      return "SET SESSION max_execution_time = " + std::to_string(limit.count()) +
             ", lock_wait_timeout = " + whole_seconds(wait) + select;
    case Dialect::sqlserver: return "SET LOCK_TIMEOUT " + std::to_string(wait.count());
    case Dialect::postgresql:  // see limit_transaction()
    case Dialect::sqlite:
    case Dialect::other: return {};
  }
  return {};
}

}  // namespace

bool is_refusal(const Error& error) {
  return error.reason() == Reason::query || error.reason() == Reason::decode;
}

std::vector<std::string> prepare_session(Dialect dialect, const Execute& execute) {
  std::vector<std::string> result;
  for (const auto& setting : settings_of(dialect)) {
    const auto why = problem(setting, execute);
    if (!why.empty()) result.push_back(std::string(setting.name) + ": " + why);
  }
  return result;
}

void limit_transaction(std::chrono::milliseconds limit, const Execute& execute) {
  const auto set = [](std::string_view name, const std::string& value) {
    return "set_config('" + std::string(name) + "', '" + value + "', true)";
  };
  // By default a cursor is planned for fetching only the first tenth of its rows.
  const auto table = execute("SELECT " + set("transaction_read_only", "on") + ", " +
                             set("statement_timeout", std::to_string(limit.count())) + ", " +
                             set("lock_timeout", std::to_string(limit.count() / 2)) + ", " +
                             set("cursor_tuple_fraction", "1"));
  const auto value = table.rows() == 1 ? table.at(0, 0) : std::nullopt;
  if (!value || *value != "on") throw Error(Reason::query, "the transaction is not read-only");
}

bool limit_statements(Dialect dialect, std::chrono::milliseconds limit, std::size_t rows,
                      const Execute& execute) {
  const auto statement = limiting(dialect, limit, rows);
  if (statement.empty()) return false;
  execute(statement);
  return dialect != Dialect::sqlserver;
}

}  // namespace exporter::sql
