#include "common/ledger/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "common/base/descriptor.h"
#include "common/base/log.h"
#include "common/ledger/format1.h"

namespace exporter::ledger {
namespace {

constexpr std::int64_t kApplicationId = 0x6c656467;  // "ledg", for file(1)
constexpr std::int64_t kVersion = 2;

void remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw io_error(path, errno);
}

void sync_directory_of(const std::string& path) {
  sync_directory(std::filesystem::path(path).parent_path());
}

void create_tables(const Database& database, const State& state) {
  database.execute(("PRAGMA auto_vacuum = INCREMENTAL; BEGIN IMMEDIATE; PRAGMA application_id = " +
                    std::to_string(kApplicationId) +
                    "; PRAGMA user_version = " + std::to_string(kVersion))
                       .c_str());
  Store::create_tables(database, state);
  database.execute("COMMIT");
}

/// Written under another name until it is complete: after a power failure there is a whole ledger
/// or none.
void create(const std::string& path, const State& fresh) {
  const auto unfinished = path + ".new";
  for (const auto* suffix : {"", "-journal", "-wal"}) remove(unfinished + suffix);
  {
    const Database database(unfinished, path);
    create_tables(database, fresh);
    database.execute("PRAGMA journal_mode = WAL");
  }
  // SQLite would apply the WAL of a deleted ledger to the new one.
  for (const auto* suffix : {"-journal", "-wal"}) remove(path + suffix);
  sync_directory_of(path);
  if (::rename(unfinished.c_str(), path.c_str()) != 0) throw io_error(path, errno);
  sync_directory_of(path);
  log::info("ledger created", {{"file", path}});
}

void check_header(const Database& database) {
  if (database.number("SELECT count(*) FROM sqlite_schema") == 0 ||
      database.number("PRAGMA application_id") != kApplicationId) {
    throw database.unusable("a database, but not a ledger");
  }
  const auto version = database.number("PRAGMA user_version");
  if (version > kVersion) {
    throw Error(Reason::config, database.message("written by a newer version of this exporter"));
  }
  if (version < 1) throw database.unusable("of an unknown version");
}

}  // namespace

void sync_directory(const std::string& path) {
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (*directory < 0 && errno == EACCES) return;
  if (*directory < 0 || ::fsync(*directory) != 0) throw io_error(path, errno);
}

Database open_file(const std::string& path, const State& fresh) {
  if (path.empty()) {
    Database database(path, path);
    create_tables(database, fresh);
    return database;
  }
  constexpr std::uintmax_t kSmallest = 512;  // SQLite takes a shorter file for an empty one
  std::error_code absent;
  const auto size = std::filesystem::file_size(path, absent);
  if (absent == std::errc::no_such_file_or_directory || (!absent && size == 0)) create(path, fresh);
  Database database(path, path);
  if (!absent && size > 0 && size < kSmallest) throw database.unusable("cut off");
  check_header(database);
  database.execute("PRAGMA journal_mode = WAL");
  return database;
}

bool is_current(const Database& database) {
  return database.number("PRAGMA user_version") == kVersion;
}

std::int64_t size_bytes(const Database& database) {
  return database.number("PRAGMA page_count") * database.number("PRAGMA page_size");
}

void check_structure(const Database& database) {
  bool is_whole = false;
  database.prepare("PRAGMA quick_check(1)").each([&](const Row& row) {
    is_whole = row.text(0) == "ok";
  });
  if (!is_whole) throw database.unusable("the database is damaged");
}

void upgrade(const Database& database) {
  if (database.number("PRAGMA user_version") == 1) upgrade_from_format1(database);
  constexpr std::int64_t kIncremental = 2;
  if (database.number("PRAGMA auto_vacuum") == kIncremental) return;
  try {
    database.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
  } catch (const UnusableFile&) {
    throw;
  } catch (const Error& error) {  // it takes as much room again
    log::warn("the ledger's file does not shrink until the next start", {{"error", error.what()}});
  }
}

}  // namespace exporter::ledger
