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
  /// Throws Error{config} when it is malformed, names neither a driver nor a data source, or holds
  /// a password, which belongs into a file or the environment.
  explicit ConnectionString(std::string_view text);

  /// What the driver's name says; other for a data source (DSN=).
  Dialect dialect() const;

  /// Adds what the drivers that are known need and the user did not set: that a result comes in
  /// pieces (PostgreSQL), that a login ends (MariaDB), that no file is made and a lock is not
  /// waited for without end (SQLite).
  void add_defaults(std::chrono::seconds login_timeout);

  /// The attribute's value; the key in any case of its letters.
  std::optional<std::string> value(std::string_view key) const;
  bool has(std::string_view key) const { return value(key).has_value(); }

  /// The whole string, with the password in braces, whatever is in it. It is a secret itself.
  Secret with_password(std::string_view password) const;
  /// The string, for a log or a page.
  std::string text() const;

 private:
  struct Attribute {
    std::string key, value;
    bool is_braced;  ///< as it was given: psqlodbc decodes %XX only without braces
  };

  std::vector<Attribute> attributes_;
};

}  // namespace exporter::sql
