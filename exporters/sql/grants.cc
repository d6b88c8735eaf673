#include <map>
#include <set>

#include "exporters/sql/reports.h"
#include "exporters/sql/tables_of.h"
#include "exporters/sql/trial.h"

namespace exporter::sql {
namespace {

/// Used if the connection string does not contain the user's name.
constexpr std::string_view kUser = "sql_exporter";
/// Precedes a statement that servers reject until it has a password.
constexpr std::string_view kPasswordHint = "-- Put the password in quotes in the place of ...\n";

/// The privileges that the user of one source needs.
struct Needs {
  const Database* database = nullptr;
  std::set<std::string> tables, privileges;
};

std::string user_of(const Database& database) {
  for (const auto* key : {"Uid", "User", "UserName"}) {
    if (auto value = database.string().value(key)) return *value;
  }
  return std::string(kUser);
}

std::string database_of(const Database& database) {
  for (const auto* key : {"Database", "DB"}) {
    if (auto value = database.string().value(key)) return *value;
  }
  return "DATABASE";
}

std::string as_name(std::string_view name, char quote) {
  std::string result(1, quote);
  for (const char c : name) {
    if (c == quote) result += c;
    result += c;
  }
  return result + quote;
}

/// The user as GRANT names it.
std::string grantee(const Database& database) {
  const auto user = user_of(database);
  const auto dialect = database.dialect();
  const bool has_host = dialect == Dialect::mariadb || dialect == Dialect::mysql;
  return has_host ? literal(user, dialect) + "@'%'" : as_name(user, '"');
}

/// ", in the database shop": where the statements run.
std::string place_of(const Database& database) {
  const auto dialect = database.dialect();
  if (dialect == Dialect::sqlite || dialect == Dialect::other) return {};
  return ", in the database " + database_of(database);
}

std::string make_user(const Database& database, std::size_t connections) {
  const auto user = grantee(database), most = std::to_string(connections);
  const std::string hint(kPasswordHint);
  switch (database.dialect()) {
    case Dialect::postgresql:
      return hint + "CREATE ROLE " + user + " LOGIN PASSWORD ... CONNECTION LIMIT " + most +
             ";\nALTER ROLE " + user +
             " SET default_transaction_read_only = on;\nGRANT CONNECT ON DATABASE " +
             as_name(database_of(database), '"') + " TO " + user + ";\n";
    case Dialect::mariadb:
    case Dialect::mysql:
      return hint + "CREATE USER " + user + " IDENTIFIED BY ... WITH MAX_USER_CONNECTIONS " + most +
             ";\n";
    case Dialect::sqlserver:
      return hint + "CREATE LOGIN " + user + " WITH PASSWORD = ...;\nUSE " + database_of(database) +
             ";\nCREATE USER " + user + " FOR LOGIN " + user + ";\n";
    case Dialect::sqlite:
    case Dialect::other: break;
  }
  return {};
}

/// Whether everybody may read it, at least in part.
bool is_of_system(const std::string& table) {
  return table.starts_with("pg_") || table.starts_with("information_schema.");
}

std::string postgresql_rights(const Needs& needs, const std::string& user) {
  std::set<std::string> schemas, tables;
  for (const auto& table : needs.tables) {
    if (is_of_system(table) || needs.tables.contains("public." + table)) continue;
    const auto dot = table.rfind('.');
    schemas.insert(dot == std::string::npos ? "public" : table.substr(0, dot));
    tables.insert(table);
  }
  std::string text;
  for (const auto& role : needs.privileges) text += "GRANT " + role + " TO " + user + ";\n";
  for (const auto& schema : schemas) {
    text += "GRANT USAGE ON SCHEMA " + schema + " TO " + user + ";\n";
  }
  for (const auto& table : tables) text += "GRANT SELECT ON " + table + " TO " + user + ";\n";
  return text;
}

std::string mysql_rights(const Needs& needs, const std::string& user) {
  std::string text;
  for (const auto& privilege : needs.privileges) {
    text += "GRANT " + privilege + " ON *.* TO " + user + ";\n";
  }
  for (const auto& table : needs.tables) {
    const bool is_whole = table.find('.') != std::string::npos;
    const auto name = is_whole ? table : as_name(database_of(*needs.database), '`') + "." + table;
    text += "GRANT SELECT ON " + name + " TO " + user + ";\n";
  }
  return text;
}

std::string rights(const Needs& needs) {
  const auto user = grantee(*needs.database);
  std::string text;
  switch (needs.database->dialect()) {
    case Dialect::postgresql: return postgresql_rights(needs, user);
    case Dialect::mariadb:
    case Dialect::mysql: return mysql_rights(needs, user);
    case Dialect::sqlserver:
      for (const auto& table : needs.tables) {
        text += "GRANT SELECT ON " + table + " TO " + user + ";\n";
      }
      return text;
    case Dialect::sqlite: return "-- Read permission for the file and its directory.\n";
    case Dialect::other: break;
  }
  text = "-- SELECT on these tables, for a separate user:\n";
  for (const auto& table : needs.tables) text += "--   " + table + "\n";
  return text;
}

/// By source.
std::map<std::string, Needs> needs_of(Source& source) {
  std::map<std::string, Needs> all;
  all[source.name].database = &source.database;
  for (const auto& described : described_for_trial(source)) {
    for (const auto& planned : described.plan()) {
      auto& needs = all[planned.source];
      needs.database = planned.database;
      const auto dialect = planned.database->dialect();
      needs.tables.merge(tables_of(planned.text, dialect));
      needs.privileges.merge(privileges_of(planned.text, dialect));
    }
  }
  return all;
}

}  // namespace

ReportText write_grants(Source& source, const ReportInputs&) {
  const auto all = needs_of(source);
  // One for each running query, one while another is being closed, and those of other collectors.
  const auto connections = source.connections + 1 + source.other_readers;
  auto text = "-- source " + source.name + place_of(source.database) + "\n" +
              make_user(source.database, connections);
  if (source.business) text += "-- Leave out the views bm_* that do not exist.\n";
  text += rights(all.at(source.name)) + "\n";
  for (const auto& [name, needs] : all) {
    if (name == source.name) continue;
    text += "-- source " + name + place_of(*needs.database) + ", for collectors of " + source.name +
            ", after its user is created\n" + rights(needs) + "\n";
  }
  return {text};
}

}  // namespace exporter::sql
