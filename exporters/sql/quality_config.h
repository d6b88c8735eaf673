#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "common/config/yaml.h"
#include "common/sql/dialect.h"
#include "exporters/sql/local_periods.h"

namespace exporter::sql {

/// Whose a check is, and how severe it is that it fails: labels of its limit.
struct Concern {
  std::string owner, severity;
};

/// Rows of a table that should not be.
struct RowCheck {
  std::string check;      ///< the label: "not_null"
  std::string column;     ///< or the name of a condition
  std::string condition;  ///< of the rows that fail, in SQL
  double limit;           ///< the ratio of all rows above which the check has failed
};

/// How many rows a period should have, by those of the same local period of the last weeks.
struct VolumeConfig {
  LocalPeriods periods;
  int weeks;
  double min, max;  ///< ratios of the median
  double rows;      ///< of the median, below which nothing is said
};

/// Columns whose values, together, are those of one row only.
struct KeyConfig {
  std::vector<std::string> columns;
  std::chrono::milliseconds every;
  Concern concern;
};

/// A column whose values must be those of a column of another table.
struct ReferenceConfig {
  std::string column;
  std::string table, key;  ///< where its values must be
  std::chrono::milliseconds every;
  Concern concern;
};

/// A column as a driver describes it.
struct TableColumn {
  std::string name;
  std::string type;  ///< "numeric", without a size; of one that is expected, empty for any
};

/// What is expected of a table.
struct TableConfig {
  std::string name, dataset;
  std::string time, loaded;                          ///< columns; empty where there is none
  std::optional<std::chrono::milliseconds> window;   ///< nothing: all rows
  std::optional<std::chrono::milliseconds> max_age;  ///< of the newest `time`
  std::optional<std::chrono::milliseconds> max_load_age;
  std::vector<RowCheck> rows;
  std::optional<VolumeConfig> volume;
  std::optional<KeyConfig> key;
  std::vector<ReferenceConfig> references;
  bool watches_schema = false;
  std::vector<TableColumn> columns;  ///< that must be there
  Concern concern;
};

/// What is expected of the tables of one source.
struct QualityConfig {
  std::chrono::milliseconds every, timeout;
  std::chrono::milliseconds per_hour;  ///< what all statements may take
  std::vector<TableConfig> tables;
};

/// The duration at a key.
std::chrono::milliseconds read_duration(const Yaml& map, std::string_view key,
                                        std::chrono::milliseconds fallback);
/// The keys `owner` and `severity`.
Concern read_concern(const Yaml& map, const Concern& fallback = {"", "warning"});
/// The zone at the key `zone`; UTC without it.
TimeZone read_zone(const Yaml& map);
/// Fails at `where` unless the text is one piece of SQL without a parameter.
void check_sql(const Yaml& where, std::string_view text, Dialect dialect);
/// The same, but for the parameter `:now`.
void check_timed_sql(const Yaml& where, std::string_view text, Dialect dialect);
/// The name of a table as a data set: in lower case, without quotes.
std::string dataset_of(std::string_view table);
/// A piece of SQL: a table, a column, an expression. Fails as check_sql() does.
std::string read_sql(const Yaml& value, Dialect dialect);
/// The same as check_timed_sql() has it.
std::string read_timed_sql(const Yaml& value, Dialect dialect);

/// Reads `quality` out of the configuration file: nothing where the source is not in it. Throws
/// Error{config}; also for a source that is not among `sources`.
std::optional<QualityConfig> read_quality(const Yaml& file, const std::string& source,
                                          const std::vector<std::string>& sources, Dialect dialect);

}  // namespace exporter::sql
