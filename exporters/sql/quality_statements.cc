#include "exporters/sql/quality_statements.h"

#include "common/base/error.h"
#include "common/collect/schedule.h"
#include "common/ledger/ledger.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

constexpr std::chrono::hours kBudgetOf{1};

}  // namespace

/// Some servers return only milliseconds, truncated.
std::chrono::microseconds clock_difference(Time theirs, Time begun, Time ended) {
  const auto earliest = std::chrono::floor<std::chrono::milliseconds>(begun);
  if (theirs < earliest) return theirs - begun;
  if (theirs > ended) return theirs - ended;
  return {};
}

Time QualityStatements::server_now() const {
  return Ledger::wall_clock() + difference_.value_or(std::chrono::microseconds());
}

bool QualityStatements::may_start() {
  const auto since = Clock::now() - kBudgetOf;
  while (!spent_.empty() && spent_.front().first < since) spent_.pop_front();
  Clock::duration sum{};
  for (const auto& [ended, took] : spent_) sum += took;
  return sum < per_hour_;
}

std::optional<Table> QualityStatements::run(const std::string& statement,
                                            const Parameters& parameters, const Limits& limits,
                                            StatementCost& cost, const Deadline& deadline) {
  if (!may_start()) {
    ++cost.skipped;
    return std::nullopt;
  }
  const auto begun = Clock::now();
  const auto note_cost = [&] {
    const auto ended = Clock::now();
    spent_.emplace_back(ended, ended - begun);
    ++cost.statements;
    cost.seconds += std::chrono::duration<double>(ended - begun).count();
  };
  try {
    auto table = database_.query(Statement(statement, dialect()), parameters, limits,
                                 deadline.no_later_than(later(begun, timeout_)));
    note_cost();
    return table;
  } catch (const Error&) {
    note_cost();
    throw;
  }
}

std::optional<Table> QualityStatements::ask(const std::string& statement,
                                            const Parameters& parameters, StatementCost& cost,
                                            const Deadline& deadline) {
  const auto begun = Ledger::wall_clock();
  auto table = run(statement, parameters, {}, cost, deadline);
  if (!table) return table;
  if (table->rows() != 1) throw Error(Reason::query, "expected one row");
  note_clock(*table, begun, Ledger::wall_clock());
  return table;
}

std::optional<Table> QualityStatements::ask_columns(const std::string& statement,
                                                    StatementCost& cost, const Deadline& deadline) {
  return run(statement, {}, {.has_types = true}, cost, deadline);
}

void QualityStatements::note_clock(const Table& table, Time begun, Time ended) {
  const auto column = table.column("server_now");
  const auto cell = column ? table.at(0, *column) : std::nullopt;
  if (cell) difference_ = exporter::sql::clock_difference(time_of(*cell), begun, ended);
}

}  // namespace exporter::sql
