#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "common/ledger/ledger.h"
#include "common/metric/metric.h"

/// What is read from the views of ACCOUNT_USAGE and ORGANIZATION_USAGE: statements whose columns
/// say by their names what becomes of them.
///
///     L_NAME   a label of the metrics that have the label `name`, and a part of what is counted;
///     N_NAME   such a label alone: a name that may change while what it names stays;
///     B        when the bucket begins that the row sums up, in seconds since 1970;
///     V_, LE_  what a row adds to counters, and to the buckets of a histogram (cumulative); null
///              where it is not of that counter;
///     G_       a gauge;
///     DAY      of a gauge that is known by days: when its day begins, in seconds since 1970;
///     NEWEST   the time of the newest thing that is in the row, in seconds since 1970.
///
/// A row is known by its L_ columns, B and DAY, and replaces what was read of it before.
namespace exporter::snowflake {

/// A column that adds to a counter, or is a gauge. A label of the metric that is neither `account`
/// nor a column has the value `part`.
struct Value {
  std::string_view column;
  MetricView metric;
  double unit = 1;             ///< what 1 in the column is in the metric: 0.001 of milliseconds
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

/// A label of which only so many values are shown by their names; see Largest.
struct Top {
  std::string_view column;  ///< "L_UNIQUE_ID"
  std::size_t most;
  std::string_view amount;    ///< the column by which they are the largest
  std::string_view per = {};  ///< a column: so many of each of its values
};

/// One statement. In its text `{lo}` and `{hi}` are the window in seconds since 1970, `{hi}`
/// excluded;
/// `{lo_date}` and `{hi_date}` the days (UTC) that it touches, as YYYY-MM-DD, `{hi_date}` excluded;
/// what else is in braces is an Insert of the account.
struct UsageStatement {
  std::string_view name, text;
  std::span<const std::string_view> labels = {};  ///< the columns L_ and N_
  std::chrono::seconds bucket{};                  ///< zero: rows are gauges of now
  /// How long after it happened a row may still come or change: so far back it is read again. Of
  /// gauges, how old the newest row may be.
  std::chrono::seconds horizon{};
  std::span<const Value> counters = {}, gauges = {};
  bool has_days = false;  ///< its gauges have a DAY: of a label the newest is shown
  std::span<const Buckets> histograms = {};
  const Top* top = nullptr;
};

/// Instead of a database role: of views that no database role may read. Whoever has it reads all of
/// the database SNOWFLAKE.
inline constexpr std::string_view kImportedPrivileges = "IMPORTED PRIVILEGES";

/// A collector of statements that are read together.
struct Group {
  std::string_view name;
  std::chrono::seconds pace;  ///< how often its views have something new
  std::span<const UsageStatement> statements;
  std::string_view database_role;  ///< of the database SNOWFLAKE, that may read its views; or all
  std::string_view needed_insert = {};  ///< a key of an account, without which it asks nothing
};

/// What statements have of an account's configuration, by the name that stands for it in braces.
using Inserts = std::map<std::string, std::string, std::less<>>;

/// The ledger of the group's counters: its name without that of the account, and its options.
std::string ledger_of(const Group& group);
Ledger::Options ledger_options(const Group& group);

/// The last multiple of `step` since 1970 that is not later.
std::chrono::sys_seconds floor_to(std::chrono::sys_seconds time, std::chrono::seconds step);

/// The text of a statement for a window.
std::string text_of(const UsageStatement& statement, std::chrono::sys_seconds lo,
                    std::chrono::sys_seconds hi, const Inserts& inserts);

}  // namespace exporter::snowflake
