#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "common/ledger/ledger.h"
#include "exporters/airflow/rows.h"

namespace exporter::airflow {

/// The results of the last runs of a DAG. A cleared run ends again. Users can change the state of a
/// finished run; only changes of the last one are tracked.
struct LastRun {
  std::string run, state, type;
  Time ended;
  std::optional<double> seconds;  ///< how long it took
  std::optional<Time> success_at;
  std::uint64_t consecutive_failures = 0;

  bool operator==(const LastRun&) const = default;
};
using LastRuns = std::map<std::string, LastRun, std::less<>>;  ///< by DAG

/// Records a finished run, at this time by the server's clock; one that ended before the last one
/// can only affect the last success. A run whose end is ahead of the clock, because that was wrong,
/// is the last one until another ends. `is_new`: whether it was never recorded before. Returns
/// whether anything changed.
bool note_end(LastRuns& last_runs, const DagRun& run, Time now, bool is_new);

/// Records the newest finished runs of a DAG, as queried: what is known of its last run may be
/// older or newer.
void learn_past(LastRuns& last_runs, const std::string& dag, std::span<const DagRun> runs,
                Time now);

/// Whether the last success of the DAG is known, and therefore its last run.
bool knows_success(const LastRuns& last_runs, std::string_view dag);

/// Stores the entry of that DAG; durable when the run commits.
void store_last_run(Ledger::Run& run, const LastRuns& last_runs, const std::string& dag);
/// Loads all entries; one that cannot be read is logged and left out.
LastRuns load_last_runs(Ledger::Run& run);

}  // namespace exporter::airflow
