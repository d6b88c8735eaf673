#pragma once

#include <string>

#include "common/ledger/database.h"
#include "common/ledger/store.h"

namespace exporter::ledger {

/// Opens and locks the ledger's file, or creates it with this state if it is missing or empty; an
/// empty path means in memory. Reads only its header. Throws as Database does, and Error{config} if
/// a newer version wrote the file.
Database open_file(const std::string& path, const State& fresh);

/// Makes files durable that were created, renamed or removed in the directory, if it may be read.
/// Throws Error{io}.
void sync_directory(const std::string& path);

/// Not counting its WAL, which stays below 16 MiB between runs.
std::int64_t size_bytes(const Database& database);
/// Whether the file has the current format.
bool is_current(const Database& database);

/// Reads the whole file. Throws an UnusableFile if its structure is inconsistent.
void check_structure(const Database& database);
/// Converts it to the current format, in one transaction.
void upgrade(const Database& database);

}  // namespace exporter::ledger
