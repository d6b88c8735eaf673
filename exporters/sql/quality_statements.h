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

/// What the statements of one kind cost, for one table.
struct StatementCost {
  std::uint64_t statements = 0, skipped = 0;
  double seconds = 0;
};

/// Runs the statements of a source's checks as long as they take no more than the source's budget
/// an hour, and compares the server's clock with this one.
class QualityStatements {
 public:
  QualityStatements(Database& database, const QualityConfig& config)
      : database_(database), timeout_(config.timeout), per_hour_(config.per_hour) {}

  /// The one row that a statement gives, of which the column `server_now`, if it is there, is the
  /// server's clock; nothing where the budget is spent, which is counted. Throws Error.
  std::optional<Table> ask(const std::string& statement, const Parameters& parameters,
                           StatementCost& cost, const Deadline& deadline);
  /// What a statement gives whose columns, with their types, are what matters; nothing likewise.
  std::optional<Table> ask_columns(const std::string& statement, StatementCost& cost,
                                   const Deadline& deadline);

  Dialect dialect() const { return database_.dialect(); }
  /// By how much the server's clock is ahead of this one, for certain: zero while the server's time
  /// lies between the start and the end of the statement. Nothing before the first answer.
  std::optional<std::chrono::microseconds> clock_difference() const { return difference_; }
  /// The server's clock now, as far as it is known.
  Time server_now() const;

 private:
  std::optional<Table> run(const std::string& statement, const Parameters& parameters,
                           const Limits& limits, StatementCost& cost, const Deadline& deadline);
  bool may_start();
  void note_clock(const Table& table, Time begun, Time ended);

  Database& database_;
  std::chrono::milliseconds timeout_, per_hour_;
  std::optional<std::chrono::microseconds> difference_;
  std::deque<std::pair<Clock::time_point, Clock::duration>> spent_;  ///< of the last hour
};

/// By how much a clock that said `theirs` is ahead of this one, for certain, if it was read after
/// `begun` and before `ended`.
std::chrono::microseconds clock_difference(Time theirs, Time begun, Time ended);

}  // namespace exporter::sql
