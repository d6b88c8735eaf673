#include "exporters/sql/quality_page.h"

#include <algorithm>

#include "common/base/time.h"

namespace exporter::sql {
namespace {

using What = ScanItem::What;

constexpr auto kTable = info("sql_quality_table_info", "A monitored table and its owner.", "source",
                             "dataset", "owner", "severity");
constexpr auto kRows = gauge("sql_quality_rows", "Rows that the checks cover: those of the window.",
                             "source", "dataset", "window");
constexpr auto kEmpty =
    gauge("sql_quality_table_empty", "1 while the table has no rows.", "source", "dataset");
constexpr auto kFailing =
    gauge("sql_quality_failing_rows",
          "Rows that fail a check; rows in the future are counted in the whole table.", "source",
          "dataset", "check", "column");
constexpr auto kFailingLimit =
    gauge("sql_quality_failing_ratio_limit",
          "The ratio of failing rows to rows of the window above which the check fails.", "source",
          "dataset", "check", "column", "owner", "severity");
constexpr auto kNewest = gauge("sql_quality_newest_timestamp_seconds",
                               "The time of the newest row that is not in the future, by this "
                               "machine's clock, in seconds since 1970.",
                               "source", "dataset", "of");
constexpr auto kMaxAge =
    gauge("sql_quality_max_age_seconds", "The maximum age of the newest row, in seconds.", "source",
          "dataset", "of", "owner", "severity");
constexpr auto kPeriodRows =
    gauge("sql_quality_period_rows", "Rows of the last full local period.", "source", "dataset");
constexpr auto kBaseline = gauge("sql_quality_period_rows_baseline",
                                 "The median number of rows of the same local period in earlier "
                                 "weeks; absent with fewer than three weeks.",
                                 "source", "dataset");
constexpr auto kRatioLimit = gauge("sql_quality_volume_ratio_limit",
                                   "The ratio of a period's rows to the baseline below or above "
                                   "which there are too few or too many.",
                                   "source", "dataset", "bound", "owner", "severity");
constexpr auto kRowsMin =
    gauge("sql_quality_volume_rows_min", "Rows of the baseline below which a ratio is meaningless.",
          "source", "dataset");
constexpr auto kColumns =
    gauge("sql_quality_columns", "Columns of the table.", "source", "dataset");
constexpr auto kMissing =
    gauge("sql_quality_columns_missing",
          "Expected columns that are missing in the table or have another type.", "source",
          "dataset", "owner", "severity");
constexpr auto kHash =
    gauge("sql_quality_schema_hash",
          "A number that changes with the names of the columns, their types and order.", "source",
          "dataset");
constexpr auto kChanged = gauge("sql_quality_schema_changed_timestamp_seconds",
                                "When a change of the columns was found, in seconds since 1970; "
                                "absent before the first change.",
                                "source", "dataset", "owner", "severity");
constexpr auto kSuccess = gauge("sql_quality_check_success",
                                "1 if the last attempt to run a check succeeded, whatever it "
                                "found; its values are kept for three intervals.",
                                "source", "dataset", "check", "column");
constexpr auto kLastSuccess = gauge("sql_quality_last_success_timestamp_seconds",
                                    "When a check last ran successfully, in seconds since 1970.",
                                    "source", "dataset", "check", "column");
constexpr auto kInterval = gauge("sql_quality_interval_seconds", "Interval of a check, in seconds.",
                                 "source", "dataset", "check", "column");
constexpr auto kStatements =
    counter("sql_quality_statements_total",
            "Statements run for checks, by kind: scan, key, references or schema.", "source",
            "dataset", "check");
constexpr auto kSeconds = counter("sql_quality_statement_seconds_total",
                                  "Time that they took, in seconds.", "source", "dataset", "check");
constexpr auto kSkipped = counter("sql_quality_skipped_total",
                                  "Statements that were not run because the budget was spent.",
                                  "source", "dataset", "check");
constexpr auto kClock = gauge("sql_quality_clock_difference_seconds",
                              "How far the server's clock is certainly ahead of this machine's, in "
                              "seconds; times of rows are corrected by it.",
                              "source");
constexpr MetricView kMetrics[] = {
    kTable,       kRows,       kEmpty,      kFailing, kFailingLimit, kNewest, kMaxAge,  kPeriodRows,
    kBaseline,    kRatioLimit, kRowsMin,    kColumns, kMissing,      kHash,   kChanged, kSuccess,
    kLastSuccess, kInterval,   kStatements, kSeconds, kSkipped,      kClock};

double seconds_of(Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}
double seconds_of(std::chrono::milliseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

/// Adds the samples of one table.
class TablePage {
 public:
  TablePage(Samples& samples, std::string_view source, const QualityTable& table)
      : samples_(samples),
        source_(source),
        table_(table),
        config_(table.config()),
        concern_(config_.concern) {}

  void add_values(Time now) {
    for (const auto& measured : table_.values()) {
      if (measured.is_fresh(now) && measured.value) add_value(measured.item, *measured.value);
    }
  }

  void add_limits() {
    samples_.add(kTable, 1, source_, config_.dataset, concern_.owner, concern_.severity);
    for (const auto& row : config_.rows) {
      add_failing_limit(row.check, row.column, row.limit, concern_);
    }
    if (!config_.time.empty()) add_failing_limit("future", config_.time, 0, concern_);
    if (config_.key) add_failing_limit("key", key_columns(), 0, config_.key->concern);
    for (const auto& reference : config_.references) {
      add_failing_limit("references", reference.column, 0, reference.concern);
    }
    add_max_age("event", config_.max_age);
    add_max_age("loaded", config_.max_load_age);
    if (config_.volume) add_volume_limits(*config_.volume);
  }

  void add_schema(const SchemaState& schema) {
    samples_.add(kHash, schema.hash, source_, config_.dataset);
    if (schema.changed) {
      samples_.add(kChanged, seconds_of(*schema.changed), source_, config_.dataset, concern_.owner,
                   concern_.severity);
    }
    if (config_.columns.empty()) return;
    samples_.add(kMissing, double(schema.missing.size()), source_, config_.dataset, concern_.owner,
                 concern_.severity);
  }

  /// A check with several values has succeeded if all of them were measured.
  void add_checks() {
    const auto& values = table_.values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const auto& item = values[i].item;
      const auto is_same = [&](const Measured& other) {
        return other.item.check == item.check && other.item.column == item.column;
      };
      const auto begin = std::ranges::find_if(values, is_same);
      if (begin != values.begin() + std::ptrdiff_t(i)) continue;
      const bool is_good =
          std::ranges::all_of(values, [&](const auto& m) { return !is_same(m) || m.is_good; });
      const auto add = [&](const auto& metric, double value) {
        samples_.add(metric, value, source_, config_.dataset, item.check, item.column);
      };
      add(kSuccess, is_good ? 1 : 0);
      if (values[i].measured) add(kLastSuccess, seconds_of(*values[i].measured));
      add(kInterval, seconds_of(values[i].every));
    }
  }

  void add_costs() {
    for (const auto& [kind, cost] : table_.costs()) {
      samples_.add(kStatements, double(cost.statements), source_, config_.dataset, kind);
      samples_.add(kSeconds, cost.seconds, source_, config_.dataset, kind);
      samples_.add(kSkipped, double(cost.skipped), source_, config_.dataset, kind);
    }
  }

 private:
  void add_value(const ScanItem& item, double value) {
    const auto& dataset = config_.dataset;
    switch (item.what) {
      case What::empty: return samples_.add(kEmpty, value, source_, dataset);
      case What::rows: return samples_.add(kRows, value, source_, dataset, window());
      case What::newest: return samples_.add(kNewest, value, source_, dataset, "event");
      case What::newest_load: return samples_.add(kNewest, value, source_, dataset, "loaded");
      case What::failing:
      case What::duplicates:
      case What::orphans:
        return samples_.add(kFailing, value, source_, dataset, item.check, item.column);
      case What::period: {
        const auto baseline = table_.period_baseline();
        samples_.add(kPeriodRows, value, source_, dataset);
        if (baseline) samples_.add(kBaseline, *baseline, source_, dataset);
        return;
      }
      case What::columns: return samples_.add(kColumns, value, source_, dataset);
      case What::week:
      case What::oldest: return;
    }
  }

  std::string window() const {
    return config_.window ? format_duration(*config_.window) : std::string("all");
  }

  std::string key_columns() const {
    for (const auto& measured : table_.values()) {
      if (measured.item.what == What::duplicates) return measured.item.column;
    }
    return {};
  }

  void add_failing_limit(std::string_view check, std::string_view column, double limit,
                         const Concern& concern) {
    samples_.add(kFailingLimit, limit, source_, config_.dataset, check, column, concern.owner,
                 concern.severity);
  }

  void add_max_age(std::string_view of, const std::optional<std::chrono::milliseconds>& age) {
    if (!age) return;
    samples_.add(kMaxAge, seconds_of(*age), source_, config_.dataset, of, concern_.owner,
                 concern_.severity);
  }

  void add_volume_limits(const VolumeConfig& volume) {
    const auto add = [&](std::string_view bound, double limit) {
      samples_.add(kRatioLimit, limit, source_, config_.dataset, bound, concern_.owner,
                   concern_.severity);
    };
    add("min", volume.min);
    add("max", volume.max);
    samples_.add(kRowsMin, volume.rows, source_, config_.dataset);
  }

  Samples& samples_;
  const std::string_view source_;
  const QualityTable& table_;
  const TableConfig& config_;
  const Concern& concern_;
};

}  // namespace

std::span<const MetricView> quality_metrics() { return kMetrics; }

void add_table(Samples& samples, std::string_view source, const QualityTable& table,
               const std::optional<SchemaState>& schema, Time now) {
  TablePage page(samples, source, table);
  page.add_values(now);
  page.add_limits();
  if (schema) page.add_schema(*schema);
  page.add_checks();
  page.add_costs();
}

void add_clock(Samples& samples, std::string_view source, std::chrono::microseconds difference) {
  samples.add(kClock, std::chrono::duration<double>(difference).count(), source);
}

}  // namespace exporter::sql
