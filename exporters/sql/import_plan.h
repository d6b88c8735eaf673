#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/yaml.h"
#include "common/sql/dialect.h"
#include "exporters/sql/import_dsn.h"

namespace exporter::sql {

using ImportedLabels = std::vector<std::pair<std::string, std::string>>;

/// A database of another exporter.
struct ImportedSource {
  std::string name;
  ImportedDsn dsn;
  std::size_t connections = 3;
  ImportedLabels labels;  ///< that the other exporter adds to each sample of it
};

/// A metric of another exporter: one family, of one or several columns.
struct ImportedMetric {
  enum class Kind : std::uint8_t { gauge, counter, states };

  std::string where;
  std::string name, help;
  Kind kind = Kind::gauge;
  std::vector<std::string> labels;  ///< columns
  ImportedLabels fixed_labels;
  std::vector<std::string> values;  ///< columns
  std::string value_label;          ///< that names the column of a value; may be empty
  std::optional<double> constant;   ///< instead of values
  std::vector<std::string> states;

  bool operator==(const ImportedMetric& other) const;  ///< but for the place and the fixed labels
};

/// A parameter's value as YAML: 5, "5".
using ImportedParameters = std::map<std::string, std::string>;

/// A query of another exporter with its metrics.
struct ImportedQuery {
  std::string where;
  std::string name;                                ///< that its collector shall have
  std::vector<std::string> sources;                ///< by name
  std::optional<std::chrono::milliseconds> every;  ///< nothing for each scrape
  std::chrono::milliseconds timeout{std::chrono::seconds(10)};
  std::string sql;
  std::vector<ImportedParameters> parameter_sets;  ///< it runs once for each
  std::vector<ImportedMetric> metrics;
};

/// What was read of another exporter's configuration.
struct ImportPlan {
  std::vector<std::string> notes;
  std::vector<ImportedSource> sources;
  std::vector<ImportedQuery> queries;

  /// Says what is not carried over, or is to be done; each text once.
  void note(const std::string& where, const std::string& text);
  void note(const std::string& text) { note({}, text); }
  /// Says it once for all places at which it holds, each with what it is said of.
  void note_each(const std::string& text, const std::string& where, const std::string& what);
  /// Says it of each key of the map that is not among those that are known.
  void note_unknown(const Yaml& map, std::initializer_list<std::string_view> known);

  /// Adds the database, under the first of the names that is free, and says what is to be done for
  /// it; returns the name. `style` says who reads the URL.
  std::string add_source(const std::string& where, const std::string& url, UrlStyle style,
                         const std::vector<std::string>& names);
  /// The source that was added last.
  ImportedSource& last_source() { return sources.back(); }

  /// Adds the query, or its sources to one that is the same but for the fixed labels.
  void add_query(ImportedQuery query);

 private:
  void merge(ImportedQuery& same, ImportedQuery& query);

  std::vector<std::string> normalized_;        // the SQL of the queries
  std::map<std::string, std::size_t> places_;  // in the notes, of what is said of each
};

/// An interval as ours can have it, 1s or more.
std::optional<std::chrono::milliseconds> imported_interval(std::chrono::milliseconds interval);

/// How often a cron expression is due: of those that no interval can stand for, each hour.
std::chrono::milliseconds interval_of_cron(std::string_view schedule);

/// A file of a configuration, of at most 1 MiB.
Yaml load_imported(const std::string& path);

/// The readers of each format. They throw Error{config} for what the format does not allow.
void import_burningalchemist(const Yaml& file, ImportPlan& plan);
void import_justwatch(const Yaml& file, ImportPlan& plan);
void import_query_exporter(const Yaml& file, ImportPlan& plan);

}  // namespace exporter::sql
