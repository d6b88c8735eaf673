#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "common/sql/database.h"
#include "exporters/sql/quality_config.h"

namespace exporter::sql {

/// The cost of the statements of one kind, for one table.
struct StatementCost {
  std::uint64_t statements = 0, skipped = 0;
  double seconds = 0;
};

/// Runs the statements of a source's checks within the source's time budget per hour, and compares
/// the server's clock with ours.
class QualityStatements {
 public:
  QualityStatements(Database& database, const QualityConfig& config)
      : database_(database), timeout_(config.timeout), per_hour_(config.per_hour) {}

  /// The single row that a statement returns; its column `server_now`, if any, is the server's
  /// clock. Nothing if the budget is spent, which is counted. Throws Error.
  std::optional<Table> ask(const std::string& statement, const Parameters& parameters,
                           StatementCost& cost, const Deadline& deadline);
  /// The result of a statement that is needed only for its columns and their types; likewise.
  std::optional<Table> ask_columns(const std::string& statement, StatementCost& cost,
                                   const Deadline& deadline);

  Dialect dialect() const { return database_.dialect(); }
  /// How far the server's clock is certainly ahead of ours: zero if the server's time is between
  /// the start and the end of the statement. Nothing before the first result.
  std::optional<std::chrono::microseconds> clock_difference() const { return difference_; }
  /// The current time of the server's clock, as far as known.
  Time server_now() const;

 private:
  std::optional<Table> run(const std::string& statement, const Parameters& parameters,
                           const Limits& limits, StatementCost& cost, const Deadline& deadline);
  bool may_start();
  void note_clock(const Table& table, Time begun, Time ended);

  Database& database_;
  std::chrono::milliseconds timeout_, per_hour_;
  std::optional<std::chrono::microseconds> difference_;
  std::deque<std::pair<Clock::time_point, Clock::duration>> spent_;  ///< in the last hour
};

/// How far a clock that read `theirs`, between `begun` and `ended`, is certainly ahead of ours.
std::chrono::microseconds clock_difference(Time theirs, Time begun, Time ended);

}  // namespace exporter::sql
