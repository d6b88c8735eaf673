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
  std::string source;     ///< where it runs
  Database* database;     ///< of that source
  std::string text;       ///< as in a first run now
  std::string note = {};  ///< how it differs between runs; empty if only its times do
};

/// A collector and its statements: the input of all reports.
struct Described {
  Collector collector;
  /// All statements, without duplicates; runs none.
  std::function<std::vector<Planned>()> plan;
  /// What it could use but the source does not have; empty if nothing is missing. Throws Error.
  /// Null if it needs everything.
  std::function<std::string(const Deadline&)> missing = {};
  /// What failed in the last run. Null if the errors of its statements show that.
  std::function<std::vector<std::string>()> failures = {};
};

/// A statement with its parameters replaced.
Planned planned(const std::string& source, Database& database, const std::string& statement,
                const Parameters& parameters = {}, std::string note = {});

/// The statement of a configured collector.
Planned planned_query(Source& source, const CollectorConfig& config);

/// All collectors of a source that run statements.
std::vector<Described> describe_all(const std::shared_ptr<Source>& source);

/// The built-in collectors that a configuration may enable.
std::vector<App::Described> built_in_collectors();
/// Whether a configured collector may not have this name, because a built-in one or its ledger
/// does.
bool is_reserved(std::string_view name);

}  // namespace exporter::sql
