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
  ImportedLabels labels;  ///< added by the other exporter to each of its samples
};

/// A metric of another exporter: one family, with one or several columns.
struct ImportedMetric {
  enum class Kind : std::uint8_t { gauge, counter, states };

  std::string where;
  std::string name, help;
  Kind kind = Kind::gauge;
  std::vector<std::string> labels;  ///< columns
  ImportedLabels fixed_labels;
  std::vector<std::string> values;  ///< columns
  std::string value_label;          ///< the label for the name of a value's column; may be empty
  std::optional<double> constant;   ///< replaces the values
  std::vector<std::string> states;

  bool operator==(const ImportedMetric& other) const;  ///< except the position and the fixed labels
};

/// A parameter's value as YAML: 5, "5".
using ImportedParameters = std::map<std::string, std::string>;

/// A query of another exporter with its metrics.
struct ImportedQuery {
  std::string where;
  std::string name;                                ///< the name for its collector
  std::vector<std::string> sources;                ///< by name
  std::optional<std::chrono::milliseconds> every;  ///< nothing: at each scrape
  std::chrono::milliseconds timeout{std::chrono::seconds(10)};
  std::string sql;
  std::vector<ImportedParameters> parameter_sets;  ///< it runs once for each
  std::vector<ImportedMetric> metrics;
};

/// The parsed configuration of another exporter.
struct ImportPlan {
  std::vector<std::string> notes;
  std::vector<ImportedSource> sources;
  std::vector<ImportedQuery> queries;

  /// Notes what is not converted, or is to be done; each text once.
  void note(const std::string& where, const std::string& text);
  void note(const std::string& text) { note({}, text); }
  /// Notes a text once for all positions to which it applies, each with its subject.
  void note_each(const std::string& text, const std::string& where, const std::string& what);
  /// Notes each key of the map that is not known.
  void note_unknown(const Yaml& map, std::initializer_list<std::string_view> known);

  /// Adds the database with the first of the names that is free, and notes what is to be done for
  /// it; returns the name. `style` is the syntax of the URL.
  std::string add_source(const std::string& where, const std::string& url, UrlStyle style,
                         const std::vector<std::string>& names);
  /// The source that was added last.
  ImportedSource& last_source() { return sources.back(); }

  /// Adds the query, or only its sources if an existing query differs only in the fixed labels.
  void add_query(ImportedQuery query);

 private:
  void merge(ImportedQuery& same, ImportedQuery& query);

  std::vector<std::string> normalized_;        // the SQL of the queries
  std::map<std::string, std::size_t> places_;  // in the notes, by text
};

/// An interval that we support, at least 1s.
std::optional<std::chrono::milliseconds> imported_interval(std::chrono::milliseconds interval);

/// The interval of a cron expression; an hour if it has no fixed interval.
std::chrono::milliseconds interval_of_cron(std::string_view schedule);

/// Reads a configuration file of at most 1 MiB.
Yaml load_imported(const std::string& path);

/// The readers of each format. They throw Error{config} for invalid files.
void import_burningalchemist(const Yaml& file, ImportPlan& plan);
void import_justwatch(const Yaml& file, ImportPlan& plan);
void import_query_exporter(const Yaml& file, ImportPlan& plan);

}  // namespace exporter::sql
