#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/ledger/ledger.h"
#include "common/metric/metric.h"

/// Statements on the views of ACCOUNT_USAGE and ORGANIZATION_USAGE. The names of their columns
/// determine their meaning:
///
///     L_NAME   a label of the metrics that have the label `name`, and part of the row's identity;
///     N_NAME   only a label: a name that may change while the thing that it names does not;
///     B        the start of the bucket that the row summarizes, in seconds since 1970;
///     V_, LE_  added to counters, and to the buckets of a histogram (cumulative); null if the row
///              does not count there;
///     G_       a gauge;
///     DAY      of a daily gauge: the start of its day, in seconds since 1970;
///     NEWEST   the time of the newest event in the row, in seconds since 1970.
///
/// A row is identified by its L_ columns, B and DAY, and replaces what was read of it before.
namespace exporter::snowflake {

/// A column that adds to a counter, or is a gauge. A label of the metric that is neither `account`
/// nor a column has the value `part`.
struct Value {
  std::string_view column;
  MetricView metric;
  double unit = 1;             ///< the factor from the column to the metric: 0.001 for milliseconds
  std::string_view part = {};  ///< "compute"
};

/// Columns with cumulative counts that make up a histogram.
struct Buckets {
  MetricView metric;
  std::span<const double> bounds;
  std::span<const std::string_view> columns;  ///< of each bound
  std::string_view count, sum;                ///< columns
  double sum_unit = 1;
};

/// A label with a limited number of shown values; see Largest.
struct Top {
  std::string_view column;  ///< "L_UNIQUE_ID"
  std::size_t most;
  std::string_view amount;    ///< the column that ranks them
  std::string_view per = {};  ///< a column: the limit applies to each of its values
};

/// One statement. In its text `{lo}` and `{hi}` are the window in seconds since 1970, without
/// `{hi}`; `{lo_date}` and `{hi_date}` are the days (UTC) that it touches, as YYYY-MM-DD, without
/// `{hi_date}`; any other name in braces is one of the account's Inserts.
struct UsageStatement {
  std::string_view name, text;
  std::span<const std::string_view> labels = {};  ///< the columns L_ and N_
  std::chrono::seconds bucket{};                  ///< zero: rows are gauges of now
  /// How long after it happened a row may still appear or change: that far back, rows are read
  /// again. For gauges, the maximum age of the newest row.
  std::chrono::seconds horizon{};
  std::span<const Value> counters = {}, gauges = {};
  bool has_days = false;  ///< its gauges have a DAY, of which the newest is shown
  std::span<const Buckets> histograms = {};
  const Top* top = nullptr;
};

/// Used in place of a database role for views that no database role may read. It allows reading the
/// whole database SNOWFLAKE.
inline constexpr std::string_view kImportedPrivileges = "IMPORTED PRIVILEGES";

/// A collector of statements that are read together.
struct Group {
  std::string_view name;
  std::chrono::seconds pace;  ///< the interval at which its views are updated
  std::span<const UsageStatement> statements;
  std::string_view database_role;       ///< of the database SNOWFLAKE, with access to its views; or
                                        ///< kImportedPrivileges
  std::string_view needed_insert = {};  ///< a key of an account without which it does not run
};

/// The texts that replace names in braces in statements, from an account's configuration.
using Inserts = std::map<std::string, std::string, std::less<>>;

/// The ledger of the group's counters: its name without the account's, and its options.
std::string ledger_of(const Group& group);
Ledger::Options ledger_options(const Group& group);

/// The last multiple of `step` since 1970 up to `time`.
std::chrono::sys_seconds floor_to(std::chrono::sys_seconds time, std::chrono::seconds step);

/// The text of a statement for a window.
std::string text_of(const UsageStatement& statement, std::chrono::sys_seconds lo,
                    std::chrono::sys_seconds hi, const Inserts& inserts);

}  // namespace exporter::snowflake
