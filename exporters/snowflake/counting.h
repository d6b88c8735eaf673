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

/// What becomes of the rows of a statement; see usage_statement.h for what their columns mean.
namespace exporter::snowflake {

/// The counters and histograms that a statement adds to.
std::vector<MetricView> families_of(const UsageStatement& statement);

/// Throws Error{decode} where a column of the statement is not in the table: rows whose labels are
/// missing would be taken for one and the same.
void require_columns(const UsageStatement& statement, const Table& table);

/// When the row's bucket begins. Throws Error{decode}.
std::chrono::sys_seconds bucket_of(const Row& row);

/// Which values of a statement's Top are shown, by the value of the column that they are `per`.
using Shown = std::map<std::string, Largest, std::less<>>;

/// How much the values of the label have of which only the largest are shown, by the value of the
/// column that they are `per`.
std::map<std::string, std::map<std::string, double>> amounts_of(const Top& top, const Table& table);

/// Records a row's counters and histograms in the run; `shown` has what its Top has. Throws
/// Error{decode}, and what the run does.
void count_row(Ledger::Run& run, const std::string& account, const UsageStatement& statement,
               const Row& row, const Shown& shown);

/// Adds the counters and histograms of a statement.
void add_counted(const Ledger& ledger, const UsageStatement& statement, Samples& samples);

/// The gauges of a statement's rows, and of those that are known by days the ones of the newest day
/// of each.
class Gauges {
 public:
  /// Throws Error{decode}.
  void take(const std::string& account, const UsageStatement& statement, const Row& row);
  void add_to(Samples& samples) const;

  /// As JSON, and back from it: what cannot be read, or is not of the statement, is left out.
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
  std::map<std::string, Day> days_;  ///< by what the row is known by
};

}  // namespace exporter::snowflake
