#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/quality_scan.h"
#include "exporters/sql/quality_statements.h"

namespace exporter::sql {

/// One value of a table, as last measured.
struct Measured {
  ScanItem item;
  std::chrono::milliseconds every;
  std::optional<double> value = {};  ///< a count, or seconds since 1970 by this machine's clock
  std::optional<Time> measured = {};
  bool is_good = false;   ///< whether the last attempt succeeded
  bool is_apart = false;  ///< it failed, and has its own statement until it succeeds
  std::optional<Clock::time_point> asked = {};  ///< if it has its own interval

  /// Whether it is at most three intervals old: values that cannot be measured are shown for that
  /// long.
  bool is_fresh(Time now) const { return measured && now - *measured <= 3 * every; }
};

/// The state of one table: measures what is due. A failing check does not affect the others.
class QualityTable {
 public:
  /// Keeps a reference to the configuration.
  QualityTable(const TableConfig& config, std::chrono::milliseconds every);

  /// Returns the failures of checks; one that concerns a single check starts with its name, "range
  /// amount: ...". Throws an Error if other tables would fail with it too; all checks that were not
  /// run because of it have failed.
  std::vector<Error> measure(QualityStatements& statements, const Deadline& deadline);
  /// Marks all checks that are due as failed.
  void fail();

  const TableConfig& config() const { return config_; }
  const std::vector<Measured>& values() const { return values_; }
  /// The median number of rows in the same period of other weeks, for the period of What::period;
  /// nothing if there are too few weeks.
  std::optional<double> period_baseline() const;
  /// As last read.
  const std::vector<TableColumn>& columns() const { return columns_; }
  /// By the kind of statement: "scan", "key", "references", "schema".
  const std::map<std::string, StatementCost>& costs() const { return costs_; }

 private:
  using Items = std::vector<Measured*>;

  void scan(const Deadline& deadline);
  void ask(const Items& items, const ScanTimes& times, const Deadline& deadline);
  void ask_halves(const Items& items, const ScanTimes& times, const Error& error,
                  const Deadline& deadline);
  void ask_columns(Measured& measured, const Deadline& deadline);
  void ask_alone(Measured& measured, const Deadline& deadline);
  bool is_at_its_pace(const Measured& measured) const;
  void take(Measured& measured, std::optional<std::string_view> cell);
  void read_clock(const Deadline& deadline);
  bool is_due(const Measured& measured, const ScanTimes& times) const;
  void start_period(const ScanTimes& times);
  void find_baseline(const ScanTimes& times);
  void note_failure(const Items& items, const Error& error, const Deadline& deadline);

  const TableConfig& config_;
  std::vector<Measured> values_;
  std::vector<TableColumn> columns_;
  std::map<std::string, StatementCost> costs_;
  std::optional<Time> weeks_of_;     ///< the period to which the weeks' values belong
  std::optional<Time> baseline_of_;  ///< the period of the baseline
  std::optional<Time> rows_of_;      ///< the period of What::period
  std::optional<double> baseline_;
  // During a run.
  QualityStatements* statements_ = nullptr;
  std::vector<Error> failures_;
};

}  // namespace exporter::sql
