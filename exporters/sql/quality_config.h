#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/config/yaml.h"
#include "common/sql/dialect.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql {

/// The owner of a check and the severity of its failure: labels of its limit.
struct Concern {
  std::string owner, severity;
};

/// Rows that a table should not have.
struct RowCheck {
  std::string check;      ///< the label: "not_null"
  std::string column;     ///< or the name of a condition
  std::string condition;  ///< an SQL condition for the rows that fail
  double limit;           ///< the check fails above this ratio of all rows
};

/// The expected number of rows in a period, compared with the same local period of previous weeks.
struct VolumeConfig {
  LocalPeriods periods;
  int weeks;
  double min, max;  ///< ratios of the median
  double rows;      ///< minimum median for the check to apply
};

/// Columns whose combined values must be unique.
struct KeyConfig {
  std::vector<std::string> columns;
  std::chrono::milliseconds every;
  Concern concern;
};

/// A column whose values must exist in a column of another table.
struct ReferenceConfig {
  std::string column;
  std::string table, key;  ///< where the values must exist
  std::chrono::milliseconds every;
  Concern concern;
};

/// A column as reported by a driver.
struct TableColumn {
  std::string name;
  std::string type;  ///< "numeric", without a size; for an expected column, empty for any
};

/// What is expected of a table.
struct TableConfig {
  std::string name, dataset;
  std::string time, loaded;                          ///< columns; empty if there is none
  std::optional<std::chrono::milliseconds> window;   ///< nothing: all rows
  std::optional<std::chrono::milliseconds> max_age;  ///< of the newest `time`
  std::optional<std::chrono::milliseconds> max_load_age;
  std::vector<RowCheck> rows;
  std::optional<VolumeConfig> volume;
  std::optional<KeyConfig> key;
  std::vector<ReferenceConfig> references;
  bool watches_schema = false;
  std::vector<TableColumn> columns;  ///< that must exist
  Concern concern;
};

/// The expectations for the tables of one source.
struct QualityConfig {
  std::chrono::milliseconds every, timeout;
  std::chrono::milliseconds per_hour;  ///< time budget of all statements
  std::vector<TableConfig> tables;
};

/// The duration at a key.
std::chrono::milliseconds read_duration(const Yaml& map, std::string_view key,
                                        std::chrono::milliseconds fallback);
/// Reads the keys `owner` and `severity`.
Concern read_concern(const Yaml& map, const Concern& fallback = {"", "warning"});
/// Reads the time zone at the key `zone`; UTC by default.
TimeZone read_zone(const Yaml& map);
/// Fails at `where` unless the text is one SQL fragment without parameters.
void check_sql(const Yaml& where, std::string_view text, Dialect dialect);
/// The same, but allows the parameter `:now`.
void check_timed_sql(const Yaml& where, std::string_view text, Dialect dialect);
/// The label `dataset` for a table: its name in lower case, without quotes.
std::string dataset_of(std::string_view table);
/// An SQL fragment: a table, a column, an expression. Fails as check_sql() does.
std::string read_sql(const Yaml& value, Dialect dialect);
/// The same with check_timed_sql().
std::string read_timed_sql(const Yaml& value, Dialect dialect);

/// Reads `quality` from the configuration file; nothing if it does not contain the source. Throws
/// Error{config}, also for a source that is not in `sources`.
std::optional<QualityConfig> read_quality(const Yaml& file, const std::string& source,
                                          const std::vector<std::string>& sources, Dialect dialect);

}  // namespace exporter::sql
