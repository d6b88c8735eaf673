#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/error.h"
#include "common/ledger/ledgers.h"
#include "exporters/snowflake/account.h"
#include "exporters/snowflake/largest.h"

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
/// A row is known by its L_ columns and B, and replaces what was read of it before.
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
  std::string_view amount;  ///< the column by which they are the largest
};

/// One statement. In its text `{lo}` and `{hi}` are the window in seconds since 1970, `{hi}`
/// excluded;
/// `{lo_date}` and `{hi_date}` the days (UTC) that it touches, as YYYY-MM-DD, `{hi_date}` excluded.
struct UsageStatement {
  std::string_view name, text;
  std::span<const std::string_view> labels = {};  ///< the columns L_ and N_
  std::chrono::seconds bucket{};                  ///< zero: rows are gauges of now
  /// How long after it happened a row may still come or change: so far back it is read again. Of
  /// gauges, how old the newest row may be.
  std::chrono::seconds horizon{};
  std::span<const Value> counters = {}, gauges = {};
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
};

/// The text of a statement for a window.
std::string text_of(const UsageStatement& statement, std::chrono::sys_seconds lo,
                    std::chrono::sys_seconds hi);

/// Reads a group when it is due and the account's warehouse may be used, and counts each row once.
class Usage {
 public:
  /// Throws Error{config} where the account has no warehouse.
  Usage(Account& account, const Group& group);

  /// Adds all that is known, after it was read if it is time. What of it fails does not keep the
  /// rest from the page.
  void collect(Samples& samples, const Deadline& deadline);

 private:
  using Time = std::chrono::sys_seconds;
  struct Gauge {
    MetricView metric;
    std::vector<std::string> labels;
    double value;
  };
  /// What is known of a statement.
  struct Known {
    Time read_up_to{};
    double newest = 0;  ///< seconds since 1970; 0: not known
    std::vector<Gauge> gauges;
    bool has_gauges = false;  ///< they were read since the process started
    std::optional<Largest> largest;
  };

  void load(const Deadline& deadline);
  bool is_due(Time now, const Deadline& deadline);
  void read(const UsageStatement& statement, Time now, Samples& samples, const Deadline& deadline);
  void count(const UsageStatement& statement, const Table& table, Time lo, Time hi,
             Samples& samples, const Deadline& deadline);
  void decide_largest(const UsageStatement& statement, const Table& table, Time now);
  void take_gauges(const UsageStatement& statement, const Table& table, Samples& samples);
  Ledger::Run begin(const Deadline& deadline) const;
  void publish_read_times() const;
  void add_to(Samples& samples) const;

  Account& account_;
  const Group& group_;
  const SharedLedger ledger_;
  std::map<std::string_view, Known> known_;  ///< by the statement's name
  Time attempt_{};
  bool is_loaded_ = false;
  std::optional<Error> failure_;  ///< of the last read
};

}  // namespace exporter::snowflake
