#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/metric/samples.h"
#include "exporters/snowflake/largest.h"
#include "exporters/snowflake/table.h"
#include "exporters/snowflake/usage_statement.h"

/// Converts the rows of a statement; see usage_statement.h for the meaning of their columns.
namespace exporter::snowflake {

/// The counters and histograms that a statement adds to.
std::vector<MetricView> families_of(const UsageStatement& statement);

/// Throws Error{decode} if a column of the statement is not in the table: rows with missing labels
/// would count as one.
void require_columns(const UsageStatement& statement, const Table& table);

/// The start of the row's bucket. Throws Error{decode}.
std::chrono::sys_seconds bucket_of(const Row& row);

/// The shown values of a statement's Top, by the value of the column that they are `per`.
using Shown = std::map<std::string, Largest, std::less<>>;

/// The total of each value of the label of which only the largest are shown, by the value of the
/// column that they are `per`.
std::map<std::string, std::map<std::string, double>> amounts_of(const Top& top, const Table& table);

/// Records a row's counters and histograms in the run; `shown` has the values of its Top. Throws
/// Error{decode}, and what the run does.
void count_row(Ledger::Run& run, const std::string& account, const UsageStatement& statement,
               const Row& row, const Shown& shown);

/// Adds the counters and histograms of a statement.
void add_counted(const Ledger& ledger, const UsageStatement& statement, Samples& samples);

/// The gauges of a statement's rows; of daily gauges, only those of the newest day.
class Gauges {
 public:
  /// Throws Error{decode}.
  void take(const std::string& account, const UsageStatement& statement, const Row& row);
  void add_to(Samples& samples) const;

  /// Converts them to JSON and back; values that cannot be read, or do not belong to the statement,
  /// are left out.
  std::string text() const;
  void load(const UsageStatement& statement, std::string_view text);

 private:
  struct Gauge {
    MetricView metric;
    std::vector<std::string> labels;
    double value;
  };
  struct Day {
    double day;
    std::vector<Gauge> gauges;
  };

  std::vector<const Gauge*> all() const;

  std::vector<Gauge> now_;
  std::map<std::string, Day> days_;  ///< by the identity of the row
};

}  // namespace exporter::snowflake
