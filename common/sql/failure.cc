#include "common/sql/failure.h"

#include <array>
#include <string>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/sql/statement.h"

namespace exporter::sql {
namespace {

struct Native {
  SQLINTEGER code;
  Reason reason;
};

// MariaDB's error codes (mariadb.com/kb/en/mariadb-error-code-reference).
constexpr std::array kMariaDb{
    Native{1045, Reason::auth},       // access denied for the user
    Native{1044, Reason::auth},       // and to the database
    Native{1698, Reason::auth},       // access denied, no password used
    Native{1969, Reason::timeout},    // max_statement_time
    Native{3024, Reason::timeout},    // MySQL's max_execution_time
    Native{1205, Reason::locked},     // lock_wait_timeout
    Native{1213, Reason::locked},     // a deadlock
    Native{1317, Reason::cancelled},  // interrupted
    Native{1040, Reason::connect},    // too many connections
    Native{1053, Reason::connect},    // the server shuts down
    Native{1927, Reason::connect},    // the connection was killed
    Native{4031, Reason::connect},    // MySQL: idle for too long
    Native{2002, Reason::connect},   Native{2003, Reason::connect},
    Native{2006, Reason::connect},   Native{2013, Reason::connect},
};

// SQLite's result codes (sqlite.org/rescode.html).
constexpr std::array kSqlite{
    Native{5, Reason::locked}, Native{6, Reason::locked}, Native{9, Reason::cancelled},
    Native{10, Reason::io},    Native{11, Reason::io},    Native{14, Reason::connect},
    Native{26, Reason::io},
};

// The classes of SQLSTATE.
constexpr std::array<std::pair<std::string_view, Reason>, 13> kStates{{
    {"57014", Reason::timeout},  // PostgreSQL: statement_timeout, or a cancel
    {"57P0", Reason::connect},   // and shutting down, or not yet started
    {"55P03", Reason::locked},
    {"40001", Reason::locked},
    {"40P01", Reason::locked},
    {"HYT", Reason::timeout},
    {"HY008", Reason::cancelled},
    {"53300", Reason::connect},  // too many connections
    {"08", Reason::connect},
    {"28", Reason::auth},
    {"22", Reason::decode},
    {"IM", Reason::config},     // no such driver or data source
    {"01000", Reason::config},  // unixODBC: cannot load the driver's library
}};

template <std::size_t N>
const Native* find(const std::array<Native, N>& natives, SQLINTEGER code) {
  for (const auto& native : natives) {
    if (native.code == code) return &native;
  }
  return nullptr;
}

const Native* native_of(const Diagnosis& diagnosis, Dialect dialect) {
  switch (dialect) {
    case Dialect::mariadb:
    case Dialect::mysql: return find(kMariaDb, diagnosis.native);
    case Dialect::sqlite: return find(kSqlite, diagnosis.native);
    default: return nullptr;
  }
}

bool says_no_table(const Diagnosis& diagnosis, Dialect dialect) {
  if (dialect == Dialect::sqlite)
    return diagnosis.message.find("no such table") != std::string::npos;
  return diagnosis.state == "42P01" || diagnosis.state == "42S02";
}

/// A user without any privilege on the database may not learn which tables exist.
bool may_hide_table(const Diagnosis& diagnosis, Dialect dialect) {
  constexpr SQLINTEGER kDenied = 1142;
  return (dialect == Dialect::mariadb || dialect == Dialect::mysql) && diagnosis.native == kDenied;
}

bool says_password(std::string_view message) {
  const auto lower = to_lower(message);
  return lower.find("password") != std::string::npos ||
         lower.find("authentication") != std::string::npos ||
         lower.find("pg_hba.conf") != std::string::npos ||
         lower.find("login failed") != std::string::npos;
}

std::string package_of(Dialect dialect) {
  switch (dialect) {
    case Dialect::postgresql: return "Debian's package is odbc-postgresql";
    case Dialect::mariadb:
    case Dialect::mysql: return "Debian's package is odbc-mariadb";
    case Dialect::sqlite: return "Debian's package is libsqliteodbc";
    case Dialect::sqlserver: return "Debian's package of FreeTDS is tdsodbc";
    case Dialect::other: break;
  }
  return "Debian's packages are odbc-postgresql, odbc-mariadb, libsqliteodbc and tdsodbc";
}

}  // namespace

Reason reason_of(const Diagnosis& diagnosis, Dialect dialect) {
  if (const auto* native = native_of(diagnosis, dialect)) return native->reason;
  // psqlodbc reports a wrong password as a failed connection.
  if (diagnosis.state == "08001" && says_password(diagnosis.message)) return Reason::auth;
  for (const auto& [begin, reason] : kStates) {
    if (diagnosis.state.starts_with(begin)) return reason;
  }
  return Reason::query;
}

bool ends_connection(const Diagnosis& diagnosis, Dialect dialect) {
  return reason_of(diagnosis, dialect) == Reason::connect || diagnosis.state == "HYT01";
}

std::string codes_of(const Diagnosis& diagnosis) {
  return " (SQLSTATE " + diagnosis.state + ", code " + std::to_string(diagnosis.native) + ")";
}

/// unixODBC takes the name of a driver that is not in odbcinst.ini for the path of its library.
std::string advice_on_driver(const Diagnosis& diagnosis, Dialect dialect) {
  if (diagnosis.message.find("Can't open lib") == std::string::npos) return {};
  return ": the driver is not installed, or odbcinst.ini names it differently (odbcinst -q -d "
         "lists the names). " +
         package_of(dialect);
}

void throw_failure(const Diagnosis& diagnosis, std::string_view statement, Dialect dialect) {
  if (log::enabled(log::Level::debug)) {
    log::debug("a statement failed", {{"state", diagnosis.state},
                                      {"code", std::int64_t(diagnosis.native)},
                                      {"message", diagnosis.message},
                                      {"statement", statement}});
  }
  const Error error(reason_of(diagnosis, dialect),
                    without_data(diagnosis.message, statement, dialect) + codes_of(diagnosis));
  if (says_no_table(diagnosis, dialect)) throw NoSuchTable(error, true);
  if (may_hide_table(diagnosis, dialect)) throw NoSuchTable(error, false);
  throw error;
}

}  // namespace exporter::sql
