#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledgers.h"
#include "common/sql/dialect.h"
#include "exporters/sql/quality_config.h"

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

/// Each column with its type, "amount numeric".
std::vector<std::string> described(const std::vector<TableColumn>& columns);

/// Those of the columns that are expected that are not there, or of another type; each in words.
std::vector<std::string> missing_columns(const std::vector<TableColumn>& expected,
                                         const std::vector<TableColumn>& there);

/// Of the columns and their order; an integer that a double holds.
double schema_hash(const std::vector<std::string>& columns);

}  // namespace exporter::sql
