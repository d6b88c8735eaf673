#pragma once

#include <string>
#include <string_view>

#include "common/base/error.h"
#include "common/sql/dialect.h"
#include "common/sql/handle.h"

namespace exporter::sql {

/// Why a call failed, by its SQLSTATE (ISO/IEC 9075-2, 24.1; ODBC, appendix A; PostgreSQL, appendix
/// A) and, where that says HY000, the native code of MariaDB or SQLite. Reason::auth is of logins:
/// a right that a statement lacks is Reason::query, as the database can be read.
Reason reason_of(const Diagnosis& diagnosis, Dialect dialect);

/// Whether nothing more can be had from the connection.
bool ends_connection(const Diagnosis& diagnosis, Dialect dialect);

/// " (SQLSTATE 42P01, code 1)", for the end of an error.
std::string codes_of(const Diagnosis& diagnosis);

/// A statement reads a table that is not there.
struct NoSuchTable : Error {
  NoSuchTable(const Error& error, bool certain) : Error(error), is_certain(certain) {}
  bool is_certain;  ///< false where the server says the same of a table that may not be read
};

/// Throws the error of a failed statement: its reason, its codes and the driver's message without
/// data; NoSuchTable where that is why. The whole message goes to the log at the level debug.
[[noreturn]] void throw_failure(const Diagnosis& diagnosis, std::string_view statement,
                                Dialect dialect);

}  // namespace exporter::sql
