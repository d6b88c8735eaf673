#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/error.h"

namespace exporter::ledger {

/// The file is there and holds nothing that can be read: no database, a damaged one, none of ours.
class UnusableFile : public Error {
 public:
  using Error::Error;
};

/// The columns of a row, borrowed until the next row.
class Row {
 public:
  explicit Row(sqlite3_stmt* statement) : statement_(statement) {}

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  double real(int column) const { return sqlite3_column_double(statement_, column); }
  std::string_view text(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class Statement;

/// A connection to a SQLite file, for one thread at a time. Each failure is an Error{io} that names
/// the file, or a UnusableFile.
class Database {
 public:
  /// Opens or makes the file and locks it against other processes; an empty path is a database in
  /// memory.
  explicit Database(const std::string& path);

  Statement prepare(std::string_view sql) const;
  /// Runs statements that give no rows.
  void execute(const char* sql) const;
  /// Runs a statement without parameters that gives one number.
  std::int64_t number(std::string_view sql) const;
  /// The rows that the last statement changed.
  std::int64_t changes() const { return sqlite3_changes64(handle_.get()); }
  /// The text after the name of the file.
  std::string message(std::string_view what) const;
  UnusableFile unusable(std::string_view why) const;
  /// Whether a transaction is open; SQLite ends it by itself after some failures.
  bool in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };

  [[noreturn]] void fail(int code) const;

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
};

/// A prepared statement; its Database outlives it.
class Statement {
 public:
  /// Binds the arguments (integers, doubles, texts as blobs) and calls `use` with each row.
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
  void bind(int index, double value);
  void bind(int index, std::string_view value);
  bool step();

  const Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

}  // namespace exporter::ledger
