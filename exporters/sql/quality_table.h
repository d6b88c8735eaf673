#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/sql/quality_scan.h"
#include "exporters/sql/quality_statements.h"

namespace exporter::sql {

/// One value of a table, as of the last time that it could be had.
struct Measured {
  ScanItem item;
  std::chrono::milliseconds every;
  std::optional<double> value = {};  ///< a count, or seconds since 1970 by this machine's clock
  std::optional<Time> measured = {};
  bool is_good = false;   ///< whether the last attempt was
  bool is_apart = false;  ///< it failed, and is asked for by itself until it does not
  std::optional<Clock::time_point> asked = {};  ///< of one with a pace of its own

  /// Whether it is no older than three intervals: what cannot be measured is shown for so long.
  bool is_fresh(Time now) const { return measured && now - *measured <= 3 * every; }
};

/// What is known of one table: asks for what is due. A check that fails costs no other one.
class QualityTable {
 public:
  /// Borrows the configuration.
  QualityTable(const TableConfig& config, std::chrono::milliseconds every);

  /// Gives the failures of checks, "range amount: ..." that of one alone. Throws an Error that
  /// other tables would meet as well; all checks that it kept from being asked for have failed
  /// then.
  std::vector<Error> measure(QualityStatements& statements, const Deadline& deadline);
  /// Says that the attempt at all checks that are due failed.
  void fail();

  const TableConfig& config() const { return config_; }
  const std::vector<Measured>& values() const { return values_; }
  /// The median of the rows of the same period in other weeks, if there were enough of them; of the
  /// period that What::period is of.
  std::optional<double> period_baseline() const;
  /// As of the last time that they were read.
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
  std::optional<Time> baseline_of_;  ///< and the baseline
  std::optional<Time> rows_of_;      ///< and the rows of the last period
  std::optional<double> baseline_;
  // Of the run.
  QualityStatements* statements_ = nullptr;
  std::vector<Error> failures_;
};

}  // namespace exporter::sql
