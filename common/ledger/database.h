#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace exporter::ledger {

/// The file exists but cannot be used: not a database, damaged, or another program's.
class UnusableFile : public Error {
 public:
  using Error::Error;
};

/// The columns of a row, borrowed until the next row.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  std::optional<double> real(int column) const;
  std::string_view text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Statement;

/// A connection to a SQLite file. Not thread-safe. Each failure is an Error{io} that names the
/// file, or an UnusableFile.
class Database {
 public:
  /// Opens or creates the file and locks it against other processes; an empty path is an in-memory
  /// database. Errors call the file `name`.
  Database(const std::string& path, std::string name);

  Statement prepare(std::string_view sql) const;
  /// Runs statements that return no rows.
  void execute(const char* sql) const;
  /// Runs a statement without parameters that returns one number.
  std::int64_t number(std::string_view sql) const;
  /// How many rows the last statement changed.
  std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  /// An error text, with the name of the file in front.
  std::string message(std::string_view what) const;
  UnusableFile unusable(std::string_view why) const;
  /// Whether a transaction is open; SQLite ends it by itself after some errors.
  bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
  /// Throws if none is open, because later statements would be committed at once.
  void insist_on_transaction() const;
  /// Throws if the checksum was wrong.
  void insist_sound(bool is_sound) const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };

  [[noreturn]] void fail(int code) const;

  std::string name_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement; its Database must outlive it.
class Statement {
 public:
  /// Binds the arguments (integers, doubles or NULL, texts as blobs) and calls `use` with each row.
  template <class Use, class... Arguments>
  void each(Use&& use, const Arguments&... arguments) {
    const Reset reset{handle_.get()};
    int index = 0;
    (bind(++index, arguments), ...);
    while (step()) use(Row(handle_.get()));
  }
  template <class... Arguments>
  void run(const Arguments&... arguments) {
    each([](const Row&) {}, arguments...);
  }

 private:
  friend class Database;
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  struct Reset {
    sqlite3_stmt* handle;
    ~Reset() { sqlite3_reset(handle); }
  };

  Statement(const Database& database, sqlite3_stmt* handle)
      : database_(database), handle_(handle) {}
  void bind(int index, std::int64_t value);
  void bind(int index, std::optional<double> value);
  void bind(int index, std::string_view value);
  bool step();

  const Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace exporter::ledger
