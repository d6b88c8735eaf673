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

/// The meaning of a status: the node did its work, failed to, or was not asked to.
enum class Outcome : std::uint8_t { success, failure, idle, unknown };

/// As in dbt's exit codes: a warning is a success, a partial success of a microbatch a failure.
Outcome outcome_of(std::string_view status);

/// The model, test, seed, ... of "model.shop.orders".
std::string_view resource_type_of(std::string_view unique_id);

/// The last result of a node in an invocation that runs nodes, and its history.
struct NodeHistory {
  Result last;
  Time at;                        ///< by the clock of its writer
  Time ordered_at = Time::min();  ///< of its results
  std::optional<Result> run;      ///< the last one in which the node was not skipped
  Labels run_origin;              ///< where that ran
  std::optional<Time> run_at, success_at;
  std::uint64_t consecutive_failures = 0;  ///< runs that failed since the last that did not
};

/// The last freshness result of a source.
struct FreshnessHistory {
  Freshness last;         ///< with the newest time of its rows ever seen, unless the table is empty
  Time at = Time::min();  ///< ordered_at of its results
  Labels origin;          ///< where those ran
};

/// The last invocation of a command.
struct Invocation {
  Metadata metadata;
  Outcome outcome = Outcome::success;
  double elapsed_seconds = 0;
  std::optional<bool> is_full_refresh;
  std::map<std::pair<std::string, std::string>, std::size_t> results;  ///< by type and status
};

/// An invocation that started to run nodes and has left no results, or only some; the first if
/// there are several in a row.
struct Incomplete {
  std::string invocation_id;
  Time since;  ///< when it started, or wrote its manifest; not after it was first seen
  bool is_interrupted = false;  ///< and left partial results
  Time ordered_at = {};         ///< of its manifest, or of its partial results

  bool operator==(const Incomplete&) const = default;
};

/// The id of an invocation, and the kind of results.
using TakenKey = std::pair<std::string, Kind>;

/// The combined state of a project's artifacts, each of which only covers the last command.
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
  std::map<TakenKey, Time> taken;  ///< the last 5000 results that were applied, and their order

  /// Its node in the manifest, or null.
  const Node* find_node(const std::string& unique_id) const;
  /// Whether results of the invocation were applied.
  bool has_results_of(const std::string& invocation_id) const;
};

/// Whether an invocation of a freshness command was to measure sources, and not only models.
bool measures_sources(const Invocation& invocation);

/// dbt's identifier of an invocation; very old versions have none.
std::string id_of(const Metadata& metadata);

/// Applies an artifact to the project. One that precedes the current state (Metadata::ordered_at),
/// or is already applied, changes nothing, and only results of invocations that run nodes change
/// the state of nodes. For results, returns whether their invocation is new.
void apply_manifest(Project& project, Manifest manifest);
void apply_catalog(Project& project, Catalog catalog);
bool apply_run_results(Project& project, const RunResults& results);
bool apply_freshness(Project& project, const FreshnessResults& results);

/// The results that matter. dbt 2.0 also reports "skipped" if it had nothing to do: for a model
/// without a table of its own, or a function in `dbt run`. A node was really skipped if an earlier
/// node, or a test of one, failed or was skipped.
std::vector<const Result*> results_that_count(const Project& project, const RunResults& results);

}  // namespace exporter::dbt
