#include "common/ledger/database.h"

#include <cerrno>
#include <utility>

namespace exporter::ledger {
namespace {

/// SQLite reports "busy" for each lock that it cannot get.
const char* why_not_locked() {
  if (errno != ENOLCK) return "in use by another process";
  return "cannot be locked: the file system has no lock service (NFS without lockd?)";
}

}  // namespace

std::string_view Row::text(int column) const {
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  if (size == 0) return {};
  return {static_cast<const char*>(sqlite3_column_blob(statement_, column)), size};
}

std::optional<double> Row::real(int column) const {
  const double value = sqlite3_column_double(statement_, column);
  if (value == 0 && sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return value;
}

Database::Database(const std::string& path, std::string name) : name_(std::move(name)) {
  sqlite3* handle = nullptr;
  errno = 0;
  const int code = sqlite3_open_v2(
      path.empty() ? ":memory:" : path.c_str(), &handle,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
      nullptr);
  handle_.reset(handle);
  if (code != SQLITE_OK) fail(code);
  if (sqlite3_db_readonly(handle, "main") == 1) fail(SQLITE_READONLY);
  // Locked permanently before the first read, so that the index of the WAL is in memory, not in a
  // file. Debian's SQLite overwrites deleted data with zeros by default.
  execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL;"
      "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384;"
      "PRAGMA temp_store = MEMORY; PRAGMA secure_delete = OFF;");
}

Statement Database::prepare(std::string_view sql) const {
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code == SQLITE_ERROR) throw unusable("a table is missing or is not a ledger's");
  if (code != SQLITE_OK) fail(code);
  return {*this, statement};
}

void Database::execute(const char* sql) const {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Database::number(std::string_view sql) const {
  std::int64_t number = 0;
  prepare(sql).each([&](const Row& row) { number = row.integer(0); });
  return number;
}

std::string Database::message(std::string_view what) const {
  return (name_.empty() ? "ledger in memory" : name_) + ": " + std::string(what);
}

UnusableFile Database::unusable(std::string_view why) const { return {Reason::io, message(why)}; }

void Database::insist_on_transaction() const {
  if (!in_transaction()) {
    throw Error(Reason::io, message("the run was rolled back after an error"));
  }
}

void Database::insist_sound(bool is_sound) const {
  if (!is_sound) throw unusable("a checksum is wrong");
}

void Database::fail(int code) const {
  switch (code & 0xff) {
    case SQLITE_CORRUPT: throw unusable("the database is damaged");
    case SQLITE_NOTADB: throw unusable("not a database");
    case SQLITE_BUSY: throw Error(Reason::io, message(why_not_locked()));
    case SQLITE_READONLY: throw Error(Reason::io, message("cannot be written"));
    default: break;
  }
  const int error = handle_ ? sqlite3_system_errno(handle_.get()) : 0;
  const bool of_system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if (of_system && error != 0) throw io_error(message(sqlite3_errstr(code)), error);
  throw Error(Reason::io, message(sqlite3_errstr(code)));
}

void Statement::bind(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(handle_.get(), index, value);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, std::optional<double> value) {
  const int code = value ? sqlite3_bind_double(handle_.get(), index, *value)
                         : sqlite3_bind_null(handle_.get(), index);
  if (code != SQLITE_OK) database_.fail(code);
}

void Statement::bind(int index, std::string_view value) {
  const int code = sqlite3_bind_blob64(handle_.get(), index, value.empty() ? "" : value.data(),
                                       value.size(), SQLITE_STATIC);
  if (code != SQLITE_OK) database_.fail(code);
}

bool Statement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) database_.fail(code);
  return code == SQLITE_ROW;
}

}  // namespace exporter::ledger
