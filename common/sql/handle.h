#pragma once

// sqltypes.h names types that the standard library does not have.
#include <sql.h>
#include <sqlext.h>

#include <string>
#include <string_view>
#include <vector>

namespace exporter::sql {

/// A handle of ODBC, freed with its owner.
class Handle {
 public:
  /// Throws Error{connect} when the driver manager or the driver gives none.
  Handle(SQLSMALLINT type, SQLHANDLE parent);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  SQLHANDLE get() const { return handle_; }
  SQLSMALLINT type() const { return type_; }
  /// Never frees it: a call that uses it does not end.
  void abandon() { handle_ = SQL_NULL_HANDLE; }

 private:
  SQLSMALLINT type_;
  SQLHANDLE handle_ = SQL_NULL_HANDLE;
};

/// What ODBC says of the last call with a handle (SQLGetDiagRec).
struct Diagnosis {
  std::string state;  ///< the SQLSTATE, "42P01"
  SQLINTEGER native = 0;
  std::string message;  ///< may hold data and SQL
};

/// The first of them; with an empty state when there is none.
Diagnosis diagnose(SQLSMALLINT type, SQLHANDLE handle);
inline Diagnosis diagnose(const Handle& handle) { return diagnose(handle.type(), handle.get()); }

}  // namespace exporter::sql
