#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledgers.h"
#include "common/sql/dialect.h"

namespace exporter::sql {

/// Knows the columns of tables as of the last run, over restarts, and logs what changes.
class SchemaWatch {
 public:
  SchemaWatch(Ledgers& ledgers, std::string source);

  /// Compares and remembers. When they changed last; nothing until they do.
  std::optional<Time> note(const std::string& dataset, const std::vector<std::string>& columns,
                           const Deadline& deadline);

 private:
  std::string source_;
  SharedLedger ledger_;
};

/// Of the columns and their order; an integer that a double holds.
double schema_hash(const std::vector<std::string>& columns);

}  // namespace exporter::sql
