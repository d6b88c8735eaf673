#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/sql/database.h"
#include "exporters/sql/quality_config.h"

namespace exporter::sql {

/// Opens a separate database for the source that the value names. Fails if there is none with that
/// name.
using OpenDatabase = std::function<std::shared_ptr<Database>(const Yaml& name)>;

/// A table in one of the two sources.
struct ReconciledTable {
  std::string name, time;
};

/// A value that is compared for each day.
struct Measure {
  std::string name;  ///< the label: "rows", or the expression
  std::string sql;
  double limit;  ///< up to this, a difference is none
};

/// Two tables whose settled days must be equal.
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

/// Reads the reconciliations whose left side is this source. Throws Error{config}.
std::vector<ReconcileConfig> read_reconciliations(const Yaml& file, const std::string& source,
                                                  const std::vector<std::string>& sources,
                                                  Dialect dialect, const OpenDatabase& open);

}  // namespace exporter::sql
