#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "exporters/dbt/catalog.h"
#include "exporters/dbt/freshness.h"
#include "exporters/dbt/labels.h"
#include "exporters/dbt/manifest.h"
#include "exporters/dbt/run_results.h"

namespace exporter::dbt {

/// What a status says: that the node did its work, that it did not, that it was not asked to.
enum class Outcome : std::uint8_t { success, failure, idle, unknown };

/// By dbt's exit codes: a warning is a success, a partial success of a microbatch a failure.
Outcome outcome_of(std::string_view status);

/// The model, test, seed, ... of "model.shop.orders".
std::string_view resource_type_of(std::string_view unique_id);

/// The last real result of a node, and what it and those before say.
struct NodeHistory {
  Result last;
  Time at;                        ///< when it came about, by the clock of its writer
  Time ordered_at = Time::min();  ///< of the results that it is of
  std::optional<Result> run;      ///< the last one of a run: of a node that was not skipped
  Labels run_origin;              ///< what ran it then
  std::optional<Time> run_at, success_at;
  std::uint64_t consecutive_failures = 0;  ///< runs that failed since the last that did not
};

/// The last result of a source's freshness.
struct FreshnessHistory {
  Freshness last;  ///< with the newest time of its rows that was ever seen, unless it is empty
  Time at = Time::min();  ///< ordered_at of the results that it is of
  Labels origin;          ///< what ran these
};

/// The last invocation of a command.
struct Invocation {
  Metadata metadata;
  Outcome outcome = Outcome::success;
  double elapsed_seconds = 0;
  std::optional<bool> is_full_refresh;
  std::map<std::pair<std::string, std::string>, std::size_t> results;  ///< by type and status
};

/// An invocation that set to work on nodes and has left no results, or not all; of several in a row
/// the first.
struct Incomplete {
  std::string invocation_id;
  Time since;  ///< when it began, or wrote its manifest; not after it was first seen
  bool is_interrupted = false;  ///< and has left results of what had ended
  Time ordered_at = {};         ///< of its manifest, or of the results of what had ended

  bool operator==(const Incomplete&) const = default;
};

/// The id of an invocation, and which results of it.
using TakenKey = std::pair<std::string, Kind>;

/// What the artifacts of a project say, put together: each was a state of the last command alone.
struct Project {
  std::string name;
  ProjectLabels labels;
  std::shared_ptr<const Manifest> manifest;  ///< the newest, or null
  std::shared_ptr<const Catalog> catalog;    ///< the newest, or null
  std::map<std::string, NodeHistory> nodes;
  std::map<std::string, Invocation> invocations;      ///< by command
  std::map<std::string, FreshnessHistory> freshness;  ///< by source
  std::optional<Time> freshness_at;                   ///< ordered_at of the newest of these
  std::map<std::string, Incomplete> incomplete;       ///< by location
  std::map<TakenKey, Time> taken;                     ///< the last 5000 results, and their order

  /// Its node in the manifest, or null.
  const Node* find_node(const std::string& unique_id) const;
  /// Whether results of the invocation were taken in.
  bool has_results_of(const std::string& invocation_id) const;
};

/// Whether an invocation of a freshness command was to measure sources, not models alone.
bool measures_sources(const Invocation& invocation);

/// What dbt itself tells invocations apart by; the oldest dbt gave them no id.
std::string id_of(const Metadata& metadata);

/// Puts what was read into the project; what comes before what is there (Metadata::ordered_at), or
/// the same once more, changes nothing. Nothing but real results changes what is known of a node.
/// Of results, returns whether nothing of their invocation was known before.
void apply_manifest(Project& project, Manifest manifest);
void apply_catalog(Project& project, Catalog catalog);
bool apply_run_results(Project& project, const RunResults& results);
bool apply_freshness(Project& project, const FreshnessResults& results);

/// The results that say something. dbt 2.0 calls "skipped" what it had nothing to do for: a model
/// that has no table of its own, or a function in `dbt run`. It was skipped when something before
/// it failed or was skipped, or a test of that.
std::vector<const Result*> results_that_count(const Project& project, const RunResults& results);

}  // namespace exporter::dbt
