#include "exporters/sql/quality.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/collect/schedule.h"
#include "exporters/sql/quality_page.h"
#include "exporters/sql/quality_schema.h"

namespace exporter::sql {
namespace {

/// A scan, a key, the columns; and statements for bisecting a scan.
constexpr int kStatementsOfTable = 6;
constexpr std::size_t kMaxListed = 1000;

/// The checks of the tables of one source.
class Quality {
 public:
  explicit Quality(std::shared_ptr<Source> source)
      : source_(std::move(source)), statements_(source_->database, *source_->quality) {
    const auto& config = *source_->quality;
    for (const auto& table : config.tables) tables_.emplace_back(table, config.every);
    schemas_.resize(tables_.size());
    const auto watches = [](const TableConfig& table) { return table.watches_schema; };
    if (std::ranges::any_of(config.tables, watches))
      watch_.emplace(*source_->ledgers, source_->name);
  }

  /// The failures of checks in the last run.
  const std::vector<Error>& failures() const { return failures_; }

  void collect(Samples& samples, const Deadline& deadline) {
    measure(samples, deadline);
    const auto now = Ledger::wall_clock();
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      add_table(samples, source_->name, tables_[i], schemas_[i], now);
    }
    if (const auto difference = statements_.clock_difference()) {
      add_clock(samples, source_->name, *difference);
    }
  }

 private:
  /// Each run starts with another table, so that an insufficient budget is not always spent on the
  /// same ones.
  void measure(Samples& samples, const Deadline& deadline) {
    failures_.clear();
    const auto start = runs_++;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const auto at = (start + i) % tables_.size();
      try {
        measure_one(at, deadline);
      } catch (const Error& error) {
        failures_ = {error};
        for (auto j = i; j < tables_.size(); ++j) tables_[(start + j) % tables_.size()].fail();
        break;
      }
    }
    // The measured values, and the failures of the rest, are right.
    if (!failures_.empty()) samples.set_failure(failures_.front());
  }

  void measure_one(std::size_t at, const Deadline& deadline) {
    auto& table = tables_[at];
    const auto& config = table.config();
    const auto failures = table.measure(statements_, deadline);
    for (const auto& error : failures) {
      failures_.emplace_back(error.reason(), config.dataset + ": " + error.what());
    }
    if (!config.watches_schema || table.columns().empty()) return;
    try {
      const auto columns = described(table.columns());
      SchemaState state{schema_hash(columns), watch_->note(config.dataset, columns, deadline),
                        missing_columns(config.columns, table.columns())};
      log_missing(config, state, schemas_[at]);
      schemas_[at] = std::move(state);
    } catch (const Error& error) {
      // The error is about this machine's disk, not about the database.
      if (failures.empty()) failures_.push_back(error);
    }
  }

  /// Logs missing columns once, until others are missing.
  void log_missing(const TableConfig& config, const SchemaState& state,
                   const std::optional<SchemaState>& before) const {
    if (state.missing.empty() || (before && before->missing == state.missing)) return;
    log::warn("columns of a table are not as expected",
              {{"source", source_->name},
               {"dataset", config.dataset},
               {"columns", printable(joined(state.missing), kMaxListed)}});
  }

  const std::shared_ptr<Source> source_;
  QualityStatements statements_;
  std::vector<QualityTable> tables_;
  std::vector<std::optional<SchemaState>> schemas_;  ///< of each table
  std::optional<SchemaWatch> watch_;
  std::vector<Error> failures_;
  std::size_t runs_ = 0;
};

Collector collector_of(const std::shared_ptr<Source>& source,
                       const std::shared_ptr<Quality>& quality) {
  const auto& config = *source->quality;
  const auto metrics = quality_metrics();
  auto most = kStatementsOfTable * int(config.tables.size());
  for (const auto& table : config.tables) most += int(table.references.size());
  return {.name = "quality",
          // A failing check does not delay others.
          .schedule = Every{config.every, times(config.every, 3), config.every},
          .timeout = times(config.timeout, most),
          .metrics = {metrics.begin(), metrics.end()},
          .collect = [quality](Samples& samples,
                               const Deadline& deadline) { quality->collect(samples, deadline); },
          .at_once = source->connections};
}

std::vector<Planned> plan_of(Source& source) {
  const auto dialect = source.database.dialect();
  std::vector<Planned> all{
      planned(source.name, source.database, clock_statement(dialect), {}, "at the start")};
  for (const auto& table : source.quality->tables) {
    const auto times = scan_times(table, source.clock());
    std::string note = "halved while it fails, until the failing check is isolated";
    for (const auto& statement : table_statements(table, times, dialect)) {
      all.push_back(planned(source.name, source.database, statement, scan_parameters(table, times),
                            std::exchange(note, {})));
    }
  }
  return all;
}

}  // namespace

Described describe_quality(const std::shared_ptr<Source>& source) {
  const auto quality = std::make_shared<Quality>(source);
  return {.collector = collector_of(source, quality),
          .plan = [source] { return plan_of(*source); },
          .failures =
              [quality] {
                std::vector<std::string> failures;
                for (const auto& error : quality->failures()) failures.emplace_back(error.what());
                return failures;
              }};
}

}  // namespace exporter::sql
