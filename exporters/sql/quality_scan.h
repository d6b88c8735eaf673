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

/// One value that is asked of a table.
struct ScanItem {
  enum class What : std::uint8_t {
    empty,        ///< 1 where the table has no row
    rows,         ///< of the window
    newest,       ///< the time of the newest row that is not of the future
    newest_load,  ///< the same of its load
    failing,      ///< rows of a check
    period,       ///< rows of the last full period
    week,         ///< rows of that period some weeks before
    oldest,       ///< the time of the oldest row
    duplicates,   ///< rows beyond the first of each key, by a statement of their own
    orphans,      ///< rows whose value is missing in another table, likewise
    columns,      ///< how many there are, likewise
  };
  What what;
  std::string check, column;  ///< the labels of the check that it belongs to
  std::string sql;
  /// Whether it is made of the rows that a statement scans, or a query of its own.
  bool is_of_rows = false;
  int week = 0;                                         ///< of What::week
  std::optional<std::chrono::milliseconds> every = {};  ///< its own pace, if it has one
};

/// The instants that a scan of a table is about.
struct ScanTimes {
  Time now;    ///< by the server's clock
  Time ahead;  ///< what is later is of the future
  std::optional<Period> period;
  std::vector<std::optional<Period>> weeks;  ///< where they are to be asked for
};

/// By how much a row's time may be ahead of the clock.
constexpr std::chrono::minutes kMaxAhead{5};

ScanTimes scan_times(const TableConfig& table, Time now);

/// All that is asked of a table.
std::vector<ScanItem> scan_items(const TableConfig& table);

/// One statement for some of the items; its columns are `server_now`, by the server's clock, and
/// v0, v1 and so on
std::string scan_statement(const TableConfig& table, std::span<const ScanItem* const> items,
                           Dialect dialect);

/// The parameters of any statement for the table.
Parameters scan_parameters(const TableConfig& table, const ScanTimes& times);

/// All statements for the table as they are at first, the scan before the others. Their parameters
/// are those of scan_parameters().
std::vector<std::string> table_statements(const TableConfig& table, const ScanTimes& times,
                                          Dialect dialect);
/// The statement that reads the server's clock, as `server_now`.
std::string clock_statement(Dialect dialect);
/// The statement whose columns are those of the table; it gives no row.
std::string columns_statement(const TableConfig& table);

}  // namespace exporter::sql
