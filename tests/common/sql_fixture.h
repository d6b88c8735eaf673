#pragma once

#include <sqlite3.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>
#include <string>

#include "common/sql/database.h"
#include "tests/support/error_of.h"
#include "tests/support/temporary_directory.h"

/// Shared by the tests of databases.
namespace sql_fixture {

using namespace std::chrono_literals;

/// A SQLite file with its own connection, which holds locks.
class File {
 public:
  explicit File(const std::string& sql = "") : path_(directory_.path() / "shop.db") {
    if (::sqlite3_open(path_.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("open");
    execute("PRAGMA synchronous = OFF; CREATE TABLE made (x); " + sql);
  }
  ~File() { ::sqlite3_close(database_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void execute(const std::string& sql) {
    if (::sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      throw std::runtime_error(::sqlite3_errmsg(database_));
    }
  }

  const std::string& path() const { return path_; }

 private:
  TemporaryDirectory directory_;
  std::string path_;
  sqlite3* database_ = nullptr;
};

inline exporter::sql::Database::Options options(const std::string& string) {
  return {.name = "shop", .string = exporter::sql::ConnectionString(string)};
}

inline exporter::sql::Database::Options options(const File& file) {
  return options("Driver=SQLite3;Database=" + file.path());
}

inline exporter::sql::Table ask(exporter::sql::Database& database, std::string_view sql,
                                const exporter::Deadline& deadline = exporter::Deadline::in(60s),
                                const exporter::sql::Limits& limits = {}) {
  return database.query(exporter::sql::Statement(sql, database.dialect()), {}, limits, deadline);
}

/// The cells of a row, each followed by a blank; NULL as -.
inline std::string row(const exporter::sql::Table& table, std::size_t index = 0) {
  std::string result;
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    result += std::string(table.at(index, i).value_or("-")) + ' ';
  }
  return result;
}

/// The sum of an endless series: only a limit or a cancel ends it.
constexpr std::string_view kEndless =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT sum(i) AS s FROM c";

}  // namespace sql_fixture
