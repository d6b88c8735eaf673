#include "exporters/sql/reports.h"

#include <set>
#include <variant>

#include "common/base/time.h"
#include "exporters/sql/tables_of.h"

namespace exporter::sql {
namespace {

/// Where a user's name is not known from the connection string.
constexpr std::string_view kUser = "sql_exporter";

std::string user_of(const Source& source) {
  for (const auto* key : {"Uid", "User", "UserName"}) {
    if (auto value = source.database.string().value(key)) return *value;
  }
  return std::string(kUser);
}

std::string database_of(const Source& source) {
  for (const auto* key : {"Database", "DB"}) {
    if (auto value = source.database.string().value(key)) return *value;
  }
  return "DATABASE";
}

std::set<std::string> tables_of(const Source& source) {
  std::set<std::string> tables;
  for (const auto& config : source.collectors) {
    const auto text = config->statement.text(parameters_now(*config));
    tables.merge(tables_of(text, source.database.dialect()));
  }
  return tables;
}

std::string as_name(std::string_view name, char quote) {
  std::string result(1, quote);
  for (const char c : name) {
    if (c == quote) result += c;
    result += c;
  }
  return result + quote;
}

std::string postgresql_grants(const Source& source, const std::set<std::string>& tables) {
  const auto user = as_name(user_of(source), '"');
  // One for each query that runs, and one while another is closed.
  auto text = "CREATE ROLE " + user + " LOGIN PASSWORD '...' CONNECTION LIMIT " +
              std::to_string(source.connections + 1) + ";\nALTER ROLE " + user +
              " SET default_transaction_read_only = on;\nGRANT CONNECT ON DATABASE " +
              as_name(database_of(source), '"') + " TO " + user + ";\n";
  std::set<std::string> schemas;
  for (const auto& table : tables) {
    const auto dot = table.rfind('.');
    schemas.insert(dot == std::string::npos ? "public" : table.substr(0, dot));
  }
  for (const auto& schema : schemas) {
    if (schema == "pg_catalog" || schema == "information_schema") continue;
    text += "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";\n";
  }
  for (const auto& table : tables) text += "GRANT SELECT ON " + table + " TO " + user + ";\n";
  return text;
}

std::string mysql_grants(const Source& source, const std::set<std::string>& tables) {
  const auto user = literal(user_of(source), Dialect::mysql) + "@'%'";
  auto text = "CREATE USER " + user + " IDENTIFIED BY '...' WITH MAX_USER_CONNECTIONS " +
              std::to_string(source.connections + 1) + ";\n";
  for (const auto& table : tables) {
    const bool is_whole = table.find('.') != std::string::npos;
    const auto name = is_whole ? table : as_name(database_of(source), '`') + "." + table;
    text += "GRANT SELECT ON " + name + " TO " + user + ";\n";
  }
  return text;
}

std::string sqlserver_grants(const Source& source, const std::set<std::string>& tables) {
  const auto user = as_name(user_of(source), '"');
  auto text = "CREATE LOGIN " + user + " WITH PASSWORD = '...';\nUSE " + database_of(source) +
              ";\nCREATE USER " + user + " FOR LOGIN " + user + ";\n";
  for (const auto& table : tables) text += "GRANT SELECT ON " + table + " TO " + user + ";\n";
  return text;
}

std::string grants(const Source& source, const std::set<std::string>& tables) {
  switch (source.database.dialect()) {
    case Dialect::postgresql: return postgresql_grants(source, tables);
    case Dialect::mariadb:
    case Dialect::mysql: return mysql_grants(source, tables);
    case Dialect::sqlserver: return sqlserver_grants(source, tables);
    case Dialect::sqlite: return "-- Read permission of the file and of its directory.\n";
    case Dialect::other: break;
  }
  std::string text = "-- SELECT on these tables, for a user of its own:\n";
  for (const auto& table : tables) text += "--   " + table + "\n";
  return text;
}

}  // namespace

Parameters parameters_now(const CollectorConfig& config) {
  auto parameters = config.parameters;
  const auto now = std::chrono::floor<std::chrono::seconds>(Ledger::wall_clock());
  parameters["now"] = Time(now);
  if (!config.events) return parameters;
  parameters["since"] = Time(now - config.events->late);
  parameters["until"] = Time(now);
  return parameters;
}

std::string pace_of(const CollectorConfig& config) {
  const auto timeout = std::chrono::floor<std::chrono::milliseconds>(config.timeout);
  std::string text = "on each scrape";
  if (const auto* every = std::get_if<Every>(&config.schedule)) {
    const auto interval = std::chrono::floor<std::chrono::milliseconds>(every->interval);
    text = "every " + format_duration(interval);
  }
  text += ", timeout " + format_duration(timeout);
  if (!config.events) return text;
  return text + "; :since is " + format_duration(config.events->overlap) +
         " before the newest event, and every " + format_duration(config.events->full_interval) +
         " " + format_duration(config.events->late) + " before it";
}

std::string write_statements(Source& source, const ReportInputs&) {
  std::string text;
  for (const auto& config : source.collectors) {
    text += "-- source " + source.name + ", collector " + config->name + ": " + pace_of(*config) +
            "\n" + config->statement.text(parameters_now(*config)) + ";\n\n";
  }
  return text;
}

std::string write_grants(Source& source, const ReportInputs&) {
  return "-- source " + source.name + "\n" + grants(source, tables_of(source)) + "\n";
}

}  // namespace exporter::sql
