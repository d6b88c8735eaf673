#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/secret.h"
#include "common/sql/dialect.h"

namespace exporter::sql {

/// An ODBC connection string without a password: "Driver=PostgreSQL Unicode;Server=db;Uid=monitor".
class ConnectionString {
 public:
  /// Throws Error{config} if it is malformed, names neither a driver nor a data source, or has a
  /// password, which belongs in a file or the environment.
  explicit ConnectionString(std::string_view text);

  /// The dialect according to the driver's name; other for a data source (DSN=).
  Dialect dialect() const;

  /// Adds what known drivers need and the user did not set: results in pieces (PostgreSQL), a login
  /// timeout (MariaDB), no new file and a limited wait for locks (SQLite).
  void add_defaults(std::chrono::seconds login_timeout);

  /// The attribute's value; the key is case-insensitive.
  std::optional<std::string> value(std::string_view key) const;
  bool has(std::string_view key) const { return value(key).has_value(); }

  /// The whole string, with the password in braces, whatever it contains. It is a secret itself.
  Secret with_password(std::string_view password) const;
  /// The string, for a log or a page.
  std::string text() const;

 private:
  struct Attribute {
    std::string key, value;
    bool is_braced;  ///< as given: psqlodbc decodes %XX only without braces
  };

  std::vector<Attribute> attributes_;
};

}  // namespace exporter::sql
