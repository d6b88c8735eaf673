#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/sql/statement.h"
#include "exporters/sql/quality_config.h"

namespace exporter::sql {

/// One value to be measured in a table.
struct ScanItem {
  enum class What : std::uint8_t {
    empty,        ///< 1 if the table has no rows
    rows,         ///< of the window
    newest,       ///< the time of the newest row that is not in the future
    newest_load,  ///< the same for its load time
    failing,      ///< rows of a check
    period,       ///< rows of the last full period
    week,         ///< rows of the same period in an earlier week
    oldest,       ///< the time of the oldest row
    duplicates,   ///< rows beyond the first of each key; a statement of its own
    orphans,      ///< rows whose value is missing in another table; likewise
    columns,      ///< the number of columns; likewise
  };
  What what;
  std::string check, column;  ///< the labels of the check that it belongs to
  std::string sql;
  /// Whether it is computed from the scanned rows, or by a query of its own.
  bool is_of_rows = false;
  int week = 0;                                         ///< of What::week
  std::optional<std::chrono::milliseconds> every = {};  ///< its own interval, if it has one
};

/// The instants for a scan of a table.
struct ScanTimes {
  Time now;    ///< by the server's clock
  Time ahead;  ///< later rows are in the future
  std::optional<Period> period;
  std::vector<std::optional<Period>> weeks;  ///< if they are to be measured
};

/// How far a row's time may be ahead of the clock.
constexpr std::chrono::minutes kMaxAhead{5};

ScanTimes scan_times(const TableConfig& table, Time now);

/// All values to be measured in a table.
std::vector<ScanItem> scan_items(const TableConfig& table);

/// One statement for some of the items. Its columns are `server_now`, the server's clock, and v0,
/// v1 and so on.
std::string scan_statement(const TableConfig& table, std::span<const ScanItem* const> items,
                           Dialect dialect);

/// The parameters of all statements for the table.
Parameters scan_parameters(const TableConfig& table, const ScanTimes& times);

/// All statements for the table in a first run, starting with the scan. Their parameters are those
/// of scan_parameters().
std::vector<std::string> table_statements(const TableConfig& table, const ScanTimes& times,
                                          Dialect dialect);
/// The statement that reads the server's clock, as `server_now`.
std::string clock_statement(Dialect dialect);
/// A statement that returns the columns of the table and no rows.
std::string columns_statement(const TableConfig& table);

}  // namespace exporter::sql
