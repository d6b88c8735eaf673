#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledgers.h"
#include "common/sql/dialect.h"
#include "exporters/sql/quality_config.h"

namespace exporter::sql {

/// Remembers the columns of tables, also across restarts, and logs changes.
class SchemaWatch {
 public:
  SchemaWatch(Ledgers& ledgers, std::string source);

  /// Compares the columns with the last run's and stores them. Returns when they last changed;
  /// nothing until they do.
  std::optional<Time> note(const std::string& dataset, const std::vector<std::string>& columns,
                           const Deadline& deadline);

 private:
  std::string source_;
  SharedLedger ledger_;
};

/// Each column with its type, "amount numeric".
std::vector<std::string> described(const std::vector<TableColumn>& columns);

/// Descriptions of expected columns that do not exist or have another type.
std::vector<std::string> missing_columns(const std::vector<TableColumn>& expected,
                                         const std::vector<TableColumn>& there);

/// A hash of the columns and their order; an integer that fits into a double.
double schema_hash(const std::vector<std::string>& columns);

}  // namespace exporter::sql
