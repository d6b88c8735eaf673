#include "exporters/sql/quality_table.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/ledger/ledger.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

using What = ScanItem::What;

constexpr std::chrono::hours kAgain{1};  // after a failure

/// Whether the failure concerns the statement, so that others may succeed.
bool is_of_statement(Reason reason) { return reason == Reason::query || reason == Reason::decode; }

/// Whether other statements would fail as well.
bool is_of_database(Reason reason) {
  return reason == Reason::connect || reason == Reason::auth || reason == Reason::config ||
         reason == Reason::cancelled;
}

bool is_alone(What what) { return what == What::duplicates || what == What::orphans; }
bool is_scanned(What what) { return what != What::columns && !is_alone(what); }
bool is_of_baseline(What what) { return what == What::week || what == What::oldest; }

/// The error of one check, with its name.
Error named(const ScanItem& item, const Error& error) {
  const auto column = item.column.empty() ? std::string() : " " + item.column;
  return {error.reason(), item.check + column + ": " + error.what()};
}

double seconds_of(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

QualityTable::QualityTable(const TableConfig& config, std::chrono::milliseconds every)
    : config_(config) {
  for (auto& item : scan_items(config)) {
    const auto own = item.every.value_or(every);
    values_.push_back({std::move(item), own});
  }
}

void QualityTable::fail() {
  for (auto& measured : values_) {
    if (is_at_its_pace(measured)) measured.is_good = false;
  }
}

std::optional<double> QualityTable::period_baseline() const {
  return baseline_of_ && baseline_of_ == rows_of_ ? baseline_ : std::nullopt;
}

std::vector<Error> QualityTable::measure(QualityStatements& statements, const Deadline& deadline) {
  statements_ = &statements;
  failures_.clear();
  try {
    for (auto& measured : values_) {
      if (measured.item.what == What::columns) ask_columns(measured, deadline);
    }
    scan(deadline);
    for (auto& measured : values_) {
      if (is_alone(measured.item.what)) ask_alone(measured, deadline);
    }
  } catch (const Error&) {
    fail();
    throw;
  }
  return failures_;
}

void QualityTable::scan(const Deadline& deadline) {
  if (!statements_->clock_difference()) read_clock(deadline);
  const auto times = scan_times(config_, statements_->server_now());
  start_period(times);
  Items together, apart;
  for (auto& measured : values_) {
    if (is_due(measured, times)) (measured.is_apart ? apart : together).push_back(&measured);
  }
  if (!together.empty()) ask(together, times, deadline);
  for (auto* measured : apart) ask({measured}, times, deadline);
  find_baseline(times);
}

bool QualityTable::is_due(const Measured& measured, const ScanTimes& times) const {
  const auto& item = measured.item;
  if (!is_scanned(item.what)) return false;
  if (!is_of_baseline(item.what)) return true;
  if (baseline_of_ == times.period->begin) return false;
  return item.what == What::oldest || times.weeks[std::size_t(item.week) - 1].has_value();
}

void QualityTable::ask(const Items& items, const ScanTimes& times, const Deadline& deadline) {
  std::vector<const ScanItem*> asked;
  for (const auto* measured : items) asked.push_back(&measured->item);
  try {
    const auto table = statements_->ask(scan_statement(config_, asked, statements_->dialect()),
                                        scan_parameters(config_, times), costs_["scan"], deadline);
    if (!table) return;
    for (std::size_t i = 0; i < items.size(); ++i) {
      take(*items[i], table->at(0, table->column("v" + std::to_string(i)).value()));
      if (items[i]->item.what == What::period) rows_of_ = times.period->begin;
    }
  } catch (const Error& error) {
    if (items.size() > 1 && is_of_statement(error.reason())) {
      return ask_halves(items, times, error, deadline);
    }
    items[0]->is_apart = is_of_statement(error.reason());
    note_failure(items, error, deadline);
  }
}

/// Finds the failing checks by bisection, unless the table cannot be read at all.
void QualityTable::ask_halves(const Items& items, const ScanTimes& times, const Error& error,
                              const Deadline& deadline) {
  try {
    if (!statements_->ask_columns(columns_statement(config_), costs_["scan"], deadline)) return;
  } catch (const Error&) {
    return note_failure(items, error, deadline);
  }
  const auto middle = items.begin() + std::ptrdiff_t(items.size() / 2);
  ask({items.begin(), middle}, times, deadline);
  ask({middle, items.end()}, times, deadline);
}

void QualityTable::take(Measured& measured, std::optional<std::string_view> cell) {
  const auto what = measured.item.what;
  try {
    if (what == What::newest || what == What::newest_load) {
      measured.value.reset();
      if (cell) measured.value = seconds_of(time_of(*cell) - *statements_->clock_difference());
    } else if (what == What::oldest) {
      measured.value.reset();
      if (cell) measured.value = seconds_of(earliest_of(*cell));
    } else {
      measured.value = cell ? number_of(*cell) : 0;
    }
  } catch (const Error& error) {
    measured.is_good = false;
    failures_.push_back(named(measured.item, error));
    return;
  }
  measured.measured = Ledger::wall_clock();
  measured.is_good = true;
  measured.is_apart = false;
}

void QualityTable::ask_columns(Measured& measured, const Deadline& deadline) {
  try {
    const auto table =
        statements_->ask_columns(columns_statement(config_), costs_["schema"], deadline);
    if (!table) return;
    columns_.clear();
    for (std::size_t i = 0; i < table->columns().size(); ++i) {
      columns_.push_back({table->columns()[i], table->types()[i]});
    }
    take(measured, std::to_string(columns_.size()));
  } catch (const Error& error) {
    note_failure({&measured}, error, deadline);
  }
}

/// Allows for a run that is slightly early.
bool QualityTable::is_at_its_pace(const Measured& measured) const {
  const auto slack = values_[0].every / 2;
  return !measured.asked || Clock::now() - *measured.asked >= measured.every - slack;
}

/// A check that failed at little cost is repeated in the next run, others after an hour at most.
void QualityTable::ask_alone(Measured& measured, const Deadline& deadline) {
  if (!is_at_its_pace(measured)) return;
  const auto now = Clock::now();
  try {
    const ScanItem* const item = &measured.item;
    const auto table =
        statements_->ask(scan_statement(config_, {&item, 1}, statements_->dialect()),
                         scan_parameters(config_, scan_times(config_, statements_->server_now())),
                         costs_[item->check], deadline);
    if (!table) return;
    measured.asked = now;
    take(measured, table->at(0, table->column("v0").value()));
  } catch (const Error& error) {
    if (!is_of_statement(error.reason()) && !is_of_database(error.reason())) {
      measured.asked = now - std::max<Clock::duration>(measured.every - kAgain, {});
    }
    note_failure({&measured}, error, deadline);
  }
}

void QualityTable::read_clock(const Deadline& deadline) {
  statements_->ask(clock_statement(statements_->dialect()), {}, costs_["scan"], deadline);
}

/// The counts of other weeks are for one period.
void QualityTable::start_period(const ScanTimes& times) {
  if (!times.period || weeks_of_ == times.period->begin) return;
  weeks_of_ = times.period->begin;
  for (auto& measured : values_) {
    if (is_of_baseline(measured.item.what)) measured.value.reset();
  }
}

/// A week counts if the table had rows before it: it must not precede the table or rows that were
/// deleted.
void QualityTable::find_baseline(const ScanTimes& times) {
  if (!times.period || baseline_of_ == times.period->begin) return;
  std::optional<double> oldest;
  for (const auto& measured : values_) {
    if (!is_of_baseline(measured.item.what) || !is_due(measured, times)) continue;
    if (!measured.is_good) return;
    if (measured.item.what == What::oldest) oldest = measured.value;
  }
  std::vector<double> weeks;
  for (const auto& measured : values_) {
    if (measured.item.what != What::week || !measured.value || !oldest) continue;
    const auto begin = times.weeks[std::size_t(measured.item.week) - 1]->begin;
    if (seconds_of(begin) >= *oldest) weeks.push_back(*measured.value);
  }
  baseline_of_ = times.period->begin;
  baseline_ = median(std::move(weeks));
}

void QualityTable::note_failure(const Items& items, const Error& error, const Deadline& deadline) {
  for (auto* measured : items) measured->is_good = false;
  if (is_of_database(error.reason()) || deadline.left().count() == 0) throw error;
  // If a table cannot be read, all of its checks fail with the same message.
  const auto is_same = [&](const Error& of_table) {
    return std::string_view(of_table.what()) == error.what();
  };
  if (std::ranges::any_of(failures_, is_same)) return;
  const bool is_of_table = items.size() > 1 || items[0]->item.what == What::columns;
  failures_.push_back(is_of_table ? error : named(items[0]->item, error));
}

}  // namespace exporter::sql
