#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/sql/dialect.h"
#include "exporters/sql/import_url.h"

namespace exporter::sql {

/// A data source name of another exporter, converted to an ODBC connection string without its
/// password.
struct ImportedDsn {
  std::string odbc;
  Dialect dialect = Dialect::other;
  /// From the URL, for labels; empty if missing there or a variable.
  std::string scheme, host, database, user;
  bool has_password = false;
  std::string password_variable;   ///< the name, if the password is an environment variable
  std::vector<std::string> notes;  ///< what to do by hand
};

/// Converts a URL. If it cannot be parsed, or is entirely elsewhere, the string names a data source
/// of odbc.ini: `DSN=<name>`. The result contains no part of anything that may be a password.
ImportedDsn import_dsn(std::string_view url, const std::string& name, UrlStyle style);

}  // namespace exporter::sql
