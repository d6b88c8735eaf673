#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/sql/dialect.h"
#include "exporters/sql/import_url.h"

namespace exporter::sql {

/// A data source name of another exporter as an ODBC connection string, without its password.
struct ImportedDsn {
  std::string odbc;
  Dialect dialect = Dialect::other;
  /// As the URL has them, for labels; empty where it has none, or a variable.
  std::string scheme, host, database, user;
  bool has_password = false;
  std::string password_variable;   ///< the environment variable that the password is, if it is one
  std::vector<std::string> notes;  ///< what is to be done by hand
};

/// Reads a URL. Where it cannot be read, or the whole of it is elsewhere, the string names a data
/// source of odbc.ini: `DSN=<name>`. No part of what may be a password is in the result.
ImportedDsn import_dsn(std::string_view url, const std::string& name, UrlStyle style);

}  // namespace exporter::sql
