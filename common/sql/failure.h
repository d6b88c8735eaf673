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

/// The error of a failed statement: its reason, its codes and the driver's message without data.
/// The whole message goes to the log at the level debug.
Error failure(const Diagnosis& diagnosis, std::string_view statement, Dialect dialect);

}  // namespace exporter::sql
