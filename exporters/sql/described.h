#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/app.h"
#include "common/collect/collector.h"
#include "exporters/sql/source.h"

namespace exporter::sql {

/// A statement that a collector runs.
struct Planned {
  std::string source;     ///< that is asked
  Database* database;     ///< of that source
  std::string text;       ///< as it would run now, for the first time
  std::string note = {};  ///< how it differs from run to run; empty where its times alone do
};

/// A collector and what it runs: all that the reports know of one, of whatever kind.
struct Described {
  Collector collector;
  /// Each statement at least once; asks nothing.
  std::function<std::vector<Planned>()> plan;
  /// What it could use and the source does not have; empty where nothing is missing. Throws Error.
  /// Null where it can do without nothing.
  std::function<std::string(const Deadline&)> missing = {};
  /// What could not be done in the last run. Null where the errors of its statements say so.
  std::function<std::vector<std::string>()> failures = {};
};

/// A statement with its parameters replaced.
Planned planned(const std::string& source, Database& database, const std::string& statement,
                const Parameters& parameters = {}, std::string note = {});

/// The statement of a collector of the configuration.
Planned planned_query(Source& source, const CollectorConfig& config);

/// All collectors of a source that run statements.
std::vector<Described> describe_all(const std::shared_ptr<Source>& source);

/// The collectors of the exporter's own that a configuration may turn on.
std::vector<App::Described> built_in_collectors();
/// Whether no collector of a configuration may be called so: one of the exporter's own is, or what
/// it keeps in a ledger.
bool is_reserved(std::string_view name);

}  // namespace exporter::sql
