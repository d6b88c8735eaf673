#pragma once

#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// What became of one node in one invocation, as far as dbt says it.
struct Result {
  std::string node;    ///< unique_id
  std::string status;  ///< as dbt writes it: "success", "partial success", "fail", ...
  std::optional<Time> started_at, completed_at;  ///< absent for what was skipped
  std::optional<double> execution_seconds, compile_seconds;
  std::optional<double> rows_affected, bytes_processed;
  std::optional<double> failures;  ///< rows that a test found
};

/// run_results.json (schemas v1 to v6): the results of one invocation.
struct RunResults {
  Metadata metadata;
  Unread unread;
  std::string command;  ///< "run", "build", "docs generate", ...; empty when it is not said
  bool is_retry = false;
  std::optional<bool> is_full_refresh;  ///< where dbt tells of the flag
  double elapsed_seconds = 0;
  std::vector<Result> results;  ///< of several of a node the first
  /// By dbt's log, or its own word: whether the command failed, or, where the log does not tell,
  /// may have, as rows could not be read; and whether somebody broke it off, in which case these
  /// are the results of what had ended.
  bool has_failed = false, is_interrupted = false;
  bool is_logged_alone = false;  ///< there is no artifact, but dbt's log

  /// What tells of the invocation. One that is logged alone left no results, but perhaps a
  /// manifest.
  Kind kind() const { return is_logged_alone ? Kind::manifest : Kind::run_results; }
  /// The label `command`: "retry" of one, whatever it did once more.
  std::string shown_command() const { return is_retry ? "retry" : command; }
  /// Whether nodes did their work, and were not only compiled, shown, cloned or listed.
  bool are_real() const;
};

/// Throws Error.
RunResults read_run_results(const Artifact& artifact, const EnvLabels& env_labels = {});

}  // namespace exporter::dbt
