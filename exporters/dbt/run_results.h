#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The result of one node in one invocation.
struct Result {
  std::string node;    ///< unique_id
  std::string status;  ///< as dbt writes it: "success", "partial success", "fail", ...
  std::optional<Time> started_at, completed_at;  ///< absent if it was skipped
  std::optional<double> execution_seconds, compile_seconds;
  std::optional<double> rows_affected, bytes_processed;
  std::optional<double> failures;  ///< rows that a test returned
};

/// run_results.json (schemas v1 to v6): the results of one invocation.
struct RunResults {
  Metadata metadata;
  Unread unread;
  std::string command;  ///< "run", "build", "docs generate", ...; empty if unknown
  bool is_retry = false;
  std::optional<bool> is_full_refresh;  ///< if dbt reports the flag
  double elapsed_seconds = 0;
  std::vector<Result> results;  ///< the first if a node has several
  /// Whether the command failed, according to dbt's log or the artifact; also set if the log has no
  /// result and rows could not be read. Whether it was interrupted; then these are the results of
  /// the nodes that had ended.
  bool has_failed = false, is_interrupted = false;
  bool is_logged_alone = false;  ///< known only from dbt's log, without an artifact

  /// The kind of artifact that represents the invocation. One that is only logged left no results,
  /// but perhaps a manifest.
  Kind kind() const { return is_logged_alone ? Kind::manifest : Kind::run_results; }
  /// The label `command`: "retry" for a retry, whatever it repeated.
  std::string shown_command() const { return is_retry ? "retry" : command; }
  /// Whether nodes did their work, rather than only being compiled, shown, cloned or listed.
  bool are_real() const;
};

/// Throws Error.
RunResults read_run_results(const Artifact& artifact, const EnvLabels& env_labels = {});

}  // namespace exporter::dbt
