#pragma once

// For the types of sqltypes.h.
#include <sql.h>
#include <sqlext.h>

#include <string>
#include <string_view>
#include <vector>

namespace exporter::sql {

/// An ODBC handle, freed by its owner.
class Handle {
 public:
  /// Throws Error{connect} if the driver manager or the driver cannot allocate it.
  Handle(SQLSMALLINT type, SQLHANDLE parent);
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  SQLHANDLE get() const { return handle_; }
  SQLSMALLINT type() const { return type_; }
  /// Never frees it, because a call that uses it does not end.
  void abandon() { handle_ = SQL_NULL_HANDLE; }

 private:
  SQLSMALLINT type_;
  SQLHANDLE handle_ = SQL_NULL_HANDLE;
};

/// A diagnostic record of the last call with a handle (SQLGetDiagRec).
struct Diagnosis {
  std::string state;  ///< the SQLSTATE, "42P01"
  SQLINTEGER native = 0;
  std::string message;  ///< may contain data and SQL
};

/// The first record; with an empty state if there is none.
Diagnosis diagnose(SQLSMALLINT type, SQLHANDLE handle);
inline Diagnosis diagnose(const Handle& handle) { return diagnose(handle.type(), handle.get()); }

}  // namespace exporter::sql
