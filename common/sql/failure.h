#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/sql/dialect.h"
#include "common/sql/handle.h"

namespace exporter::sql {

/// Why a call failed, by its SQLSTATE (ISO/IEC 9075-2, 24.1; ODBC, appendix A; PostgreSQL, appendix
/// A) and, if that is HY000, the native code of MariaDB or SQLite. Reason::auth is only for logins:
/// a statement that lacks a privilege is Reason::query, because the database can be read.
Reason reason_of(const Diagnosis& diagnosis, Dialect dialect);

/// Whether the connection is unusable.
bool ends_connection(const Diagnosis& diagnosis, Dialect dialect);

/// " (SQLSTATE 42P01, code 1)", to append to an error.
std::string codes_of(const Diagnosis& diagnosis);

/// What to do if unixODBC cannot load the driver, to append to the error of a login; empty for
/// other failures.
std::string advice_on_driver(const Diagnosis& diagnosis, Dialect dialect);

/// The statement reads a table that does not exist.
struct NoSuchTable : Error {
  NoSuchTable(const Error& error, bool certain) : Error(error), is_certain(certain) {}
  bool is_certain;  ///< false if the server says the same of a table without a privilege
};

/// Throws the error of a failed statement: its reason, its codes and the driver's message without
/// data; NoSuchTable if that is the reason. Logs the whole message at the level debug.
[[noreturn]] void throw_failure(const Diagnosis& diagnosis, std::string_view statement,
                                Dialect dialect);

}  // namespace exporter::sql
