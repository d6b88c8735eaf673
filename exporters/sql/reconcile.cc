#include "exporters/sql/reconcile.h"

#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/collect/schedule.h"
#include "common/sql/value.h"

namespace exporter::sql {
namespace {

constexpr auto kInfo =
    info("sql_quality_reconciliation_info",
         "A reconciliation, the source of its right side, and its owner.", "source", "dataset",
         "reconciliation", "right_source", "owner", "severity");
constexpr auto kDifference =
    gauge("sql_quality_reconciliation_difference",
          "The largest absolute difference between the two sides on one of the settled days.",
          "source", "dataset", "reconciliation", "measure");
constexpr auto kDays = gauge("sql_quality_reconciliation_days_different",
                             "Settled days on which the sides differ by more than the limit.",
                             "source", "dataset", "reconciliation", "measure");
constexpr auto kLimit = gauge("sql_quality_reconciliation_difference_limit",
                              "The difference of a day that is tolerated.", "source", "dataset",
                              "reconciliation", "measure", "owner", "severity");
constexpr auto kSuccess = gauge("sql_quality_reconciliation_success",
                                "1 if the last attempt to compare succeeded, whatever it found.",
                                "source", "dataset", "reconciliation");
constexpr auto kLastSuccess = gauge("sql_quality_reconciliation_last_success_timestamp_seconds",
                                    "When the sides were last compared, in seconds since 1970.",
                                    "source", "dataset", "reconciliation");
constexpr auto kInterval =
    gauge("sql_quality_reconciliation_interval_seconds",
          "How often the sides are compared, in seconds.", "source", "dataset", "reconciliation");
constexpr MetricView kMetrics[] = {kInfo,    kDifference,  kDays,    kLimit,
                                   kSuccess, kLastSuccess, kInterval};

/// The interval between checks for what is due; up to eight times as long after failures.
constexpr std::chrono::minutes kLook{10};

constexpr std::size_t kDate = 10;  // "2026-01-02"

using Values = std::vector<std::vector<double>>;  ///< by day and measure

std::string bound(std::size_t day) { return "day" + std::to_string(day); }

Parameters parameters_of(const std::vector<Time>& bounds) {
  Parameters parameters;
  for (std::size_t i = 0; i < bounds.size(); ++i) parameters[bound(i)] = bounds[i];
  return parameters;
}

/// The values of one side. A day without rows has zeros.
Values read_rows_of(Database& database, const ReconciledTable& table, const ReconcileConfig& config,
                    const std::vector<Time>& bounds, const Deadline& deadline) {
  const auto days = bounds.size() - 1;
  const Statement statement(reconcile_statement(table, config.measures, days), database.dialect());
  const auto answer = database.query(statement, parameters_of(bounds), {},
                                     deadline.no_later_than(later(Clock::now(), config.timeout)));
  Values values(days, std::vector<double>(config.measures.size()));
  for (std::size_t row = 0; row < answer.rows(); ++row) {
    const auto number = number_of(answer.at(row, 0).value_or(""));
    if (!(number >= 0 && number < static_cast<double>(days))) {
      throw Error(Reason::internal, "a day that was not asked for");
    }
    const auto day = std::size_t(number);
    for (std::size_t i = 0; i < config.measures.size(); ++i) {
      if (const auto cell = answer.at(row, i + 1)) values[day][i] = number_of(*cell);
    }
  }
  return values;
}

/// The same, with the source's name in errors.
Values read_side(const std::string& source, Database& database, const ReconciledTable& table,
                 const ReconcileConfig& config, const std::vector<Time>& bounds,
                 const Deadline& deadline) {
  try {
    return read_rows_of(database, table, config, bounds, deadline);
  } catch (const Error& error) {
    throw Error(error.reason(), "source " + source + ": " + error.what());
  }
}

/// One reconciliation, as last computed.
class Reconciliation {
 public:
  explicit Reconciliation(const ReconcileConfig& config) : config_(config) {}

  bool is_due() const { return !compared_ || Clock::now() - *compared_ >= config_.every; }

  void compare(Source& source, const Deadline& deadline) {
    is_good_ = false;
    const auto bounds = day_bounds(config_.zone, Ledger::wall_clock(), config_.from, config_.to);
    const auto left =
        read_side(source.name, source.database, config_.left, config_, bounds, deadline);
    const auto right = read_side(config_.right_source, *config_.right_database, config_.right,
                                 config_, bounds, deadline);
    results_.assign(config_.measures.size(), {});
    for (std::size_t day = 0; day < left.size(); ++day) {
      for (std::size_t i = 0; i < results_.size(); ++i) {
        const auto difference = std::abs(left[day][i] - right[day][i]);
        results_[i].largest = std::max(results_[i].largest, difference);
        if (difference <= config_.measures[i].limit) continue;
        ++results_[i].days;
        log_difference(source.name, bounds[day], config_.measures[i].name, left[day][i],
                       right[day][i]);
      }
    }
    compared_ = Clock::now();
    last_success_ = Ledger::wall_clock();
    is_good_ = true;
  }

  void add_to(Samples& samples, const std::string& source) const {
    const auto& c = config_;
    samples.add(kInfo, 1, source, c.dataset, c.name, c.right_source, c.concern.owner,
                c.concern.severity);
    for (std::size_t i = 0; i < c.measures.size(); ++i) {
      const auto& measure = c.measures[i];
      if (!results_.empty()) {
        samples.add(kDifference, results_[i].largest, source, c.dataset, c.name, measure.name);
        samples.add(kDays, results_[i].days, source, c.dataset, c.name, measure.name);
      }
      samples.add(kLimit, measure.limit, source, c.dataset, c.name, measure.name, c.concern.owner,
                  c.concern.severity);
    }
    samples.add(kSuccess, is_good_ ? 1 : 0, source, c.dataset, c.name);
    if (last_success_) {
      samples.add(kLastSuccess,
                  std::chrono::duration<double>(last_success_->time_since_epoch()).count(), source,
                  c.dataset, c.name);
    }
    samples.add(kInterval, std::chrono::duration<double>(c.every).count(), source, c.dataset,
                c.name);
  }

  const std::string& name() const { return config_.name; }

 private:
  struct Result {
    double largest = 0, days = 0;
  };

  void log_difference(const std::string& source, Time begin, const std::string& measure,
                      double left, double right) const {
    const auto whole = std::chrono::floor<std::chrono::seconds>(begin);
    const auto day = format_rfc3339(whole + config_.zone.offset_at(whole)).substr(0, kDate);
    log::warn("two sources differ on a day", {{"source", source},
                                              {"reconciliation", config_.name},
                                              {"measure", measure},
                                              {"day", day},
                                              {"left", left},
                                              {"right", right}});
  }

  const ReconcileConfig& config_;
  std::vector<Result> results_;  ///< of each measure; empty before the first
  std::optional<Clock::time_point> compared_;
  std::optional<Time> last_success_;
  bool is_good_ = false;
};

class Reconcile {
 public:
  explicit Reconcile(std::shared_ptr<Source> source) : source_(std::move(source)) {
    for (const auto& config : source_->reconciliations) all_.emplace_back(config);
  }

  void collect(Samples& samples, const Deadline& deadline) {
    for (auto& one : all_) {
      if (!one.is_due()) continue;
      try {
        one.compare(*source_, deadline);
      } catch (const Error& error) {
        if (!samples.failure()) {
          samples.set_failure({error.reason(), one.name() + ": " + error.what()});
        }
      }
    }
    for (const auto& one : all_) one.add_to(samples, source_->name);
  }

 private:
  const std::shared_ptr<Source> source_;
  std::vector<Reconciliation> all_;
};

Collector collector_of(const std::shared_ptr<Source>& source) {
  Clock::duration timeout{};
  Clock::duration interval = kLook;
  for (const auto& config : source->reconciliations) {
    timeout = sum(timeout, times(config.timeout, 2));
    interval = std::min<Clock::duration>(interval, config.every);
  }
  return {.name = "reconcile",
          .schedule = Every{interval, std::chrono::days(3)},
          .timeout = timeout,
          .metrics = {std::begin(kMetrics), std::end(kMetrics)},
          .collect = [reconcile = std::make_shared<Reconcile>(source)](
                         Samples& samples,
                         const Deadline& deadline) { reconcile->collect(samples, deadline); },
          .at_once = source->connections,
          .says_up = false};
}

std::vector<Planned> plan_of(Source& source) {
  std::vector<Planned> all;
  for (const auto& config : source.reconciliations) {
    const auto bounds = day_bounds(config.zone, source.clock(), config.from, config.to);
    const auto add = [&](const std::string& name, Database& database,
                         const ReconciledTable& table) {
      const auto statement = reconcile_statement(table, config.measures, bounds.size() - 1);
      all.push_back(planned(name, database, statement, parameters_of(bounds)));
    };
    add(source.name, source.database, config.left);
    add(config.right_source, *config.right_database, config.right);
  }
  return all;
}

}  // namespace

std::span<const MetricView> reconcile_metrics() { return kMetrics; }

std::string reconcile_statement(const ReconciledTable& table, const std::vector<Measure>& measures,
                                std::size_t days) {
  std::string statement = "SELECT dpe_day";
  for (std::size_t i = 0; i < measures.size(); ++i) {
    statement += ", " + measures[i].sql + " AS v" + std::to_string(i);
  }
  statement += "\nFROM (SELECT *, CASE";
  for (std::size_t day = 0; day < days; ++day) {
    statement += " WHEN " + table.time + " < :" + bound(day + 1) + " THEN " + std::to_string(day);
  }
  return statement + " END AS dpe_day\n  FROM " + table.name + " WHERE " + table.time +
         " >= :" + bound(0) + " AND " + table.time + " < :" + bound(days) +
         ") dpe_days\nGROUP BY dpe_day";
}

Described describe_reconcile(const std::shared_ptr<Source>& source) {
  return {collector_of(source), [source] { return plan_of(*source); }};
}

}  // namespace exporter::sql
