#pragma once

#include <string>

#include "common/ledger/database.h"
#include "common/ledger/store.h"

namespace exporter::ledger {

/// Opens the ledger's file and locks it, or creates it with this state where there is none or an
/// empty one; an empty path is memory. Reads its header alone. Throws as Database does, and
/// Error{config} for a file of a newer version.
Database open_file(const std::string& path, const State& fresh);

/// Makes durable what was created, renamed or removed in it, if it may be read. Throws Error{io}.
void sync_directory(const std::string& path);

/// Without its log, which stays below 16 MiB between runs.
std::int64_t size_bytes(const Database& database);
/// Whether the file has the current format.
bool is_current(const Database& database);

/// Reads all of the file. Throws an UnusableFile when its pages do not belong together.
void check_structure(const Database& database);
/// Gives it the current format, in one transaction.
void upgrade(const Database& database);

}  // namespace exporter::ledger
