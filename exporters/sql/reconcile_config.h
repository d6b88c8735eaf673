#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/sql/database.h"
#include "exporters/sql/quality_config.h"

namespace exporter::sql {

/// Makes a database of its own for a source of the configuration, which the value names. Fails
/// where there is none of this name.
using OpenDatabase = std::function<std::shared_ptr<Database>(const Yaml& name)>;

/// A table of one of two sources.
struct ReconciledTable {
  std::string name, time;
};

/// What is compared for each day.
struct Measure {
  std::string name;  ///< the label: "rows", or the expression
  std::string sql;
  double limit;  ///< the difference that is none
};

/// Two tables of which each settled day must be the same.
struct ReconcileConfig {
  std::string name, dataset;
  ReconciledTable left, right;
  std::string right_source;
  std::shared_ptr<Database> right_database;
  TimeZone zone;
  int from = 2, to = 8;  ///< days before today
  std::chrono::milliseconds every, timeout;
  std::vector<Measure> measures;
  Concern concern;
};

/// Reads those of `reconcile` whose left side is this source. Throws Error{config}.
std::vector<ReconcileConfig> read_reconciliations(const Yaml& file, const std::string& source,
                                                  const std::vector<std::string>& sources,
                                                  Dialect dialect, const OpenDatabase& open);

}  // namespace exporter::sql
