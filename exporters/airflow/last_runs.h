#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "common/ledger/ledger.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// How the runs of a DAG ended lately. A run ends again when it was cleared; the state of one that
/// has ended can be changed by hand, which is followed in the last one alone.
struct LastRun {
  std::string run, state, type;
  Time ended;
  std::optional<double> seconds;  ///< how long it took
  std::optional<Time> success_at;
  std::uint64_t consecutive_failures = 0;

  bool operator==(const LastRun&) const = default;
};
using LastRuns = std::map<std::string, LastRun, std::less<>>;  ///< by DAG

/// Takes in a run that has ended; one that ended before the last one tells of the last success at
/// most. Returns whether anything changed.
bool note_end(LastRuns& last_runs, const DagRun& run);

/// Takes in the newest runs of a DAG that have ended, as they were asked for: what is known of its
/// last run already may be older or newer than they are.
void learn_past(LastRuns& last_runs, const std::string& dag, std::span<const DagRun> runs);

/// Whether the last success of the DAG is known, and so its last run.
bool knows_success(const LastRuns& last_runs, std::string_view dag);

/// Stores the entry of that DAG; with the run's commit it holds.
void store_last_run(Ledger::Run& run, const LastRuns& last_runs, const std::string& dag);
/// All that are stored; an entry that cannot be read is logged and left out.
LastRuns load_last_runs(Ledger::Run& run);

}  // namespace exporter::airflow
