#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/base/error.h"
#include "common/ledger/ledgers.h"
#include "exporters/airflow/history.h"
#include "exporters/airflow/last_runs.h"
#include "exporters/airflow/selection.h"
#include "exporters/airflow/task_reader.h"

namespace exporter::airflow {

/// Keeps the last runs of the DAGs as the list of DAGs wants them: those of DAGs that were deleted
/// are discarded, and of those that were there at the first start and did not run lately the last
/// run and the last success are asked for, once. What it did is in the ledger.
class DagFollower {
 public:
  explicit DagFollower(SharedLedger runs) : runs_(std::move(runs)) {}

  /// Reads what the ledger has of it.
  void load(Ledger::Run& run);

  /// Discards the last runs of the DAGs that the list no longer has, if they have no live run and
  /// Airflow says that they are not there: a list lacks, too, what the user may not read, and what
  /// moved while it was read. Throws Error; what was found before is kept.
  void discard_deleted(LastRuns& last_runs, const DagList& list, const std::set<std::string>& live,
                       const History& history, Allowance& allowance, const Deadline& deadline);

  /// Asks for the past of some DAGs of the list that count, those that are paused last. When others
  /// count than before, it discards what is known of those that do not, and asks for those that
  /// did not. Throws Error; what was read before is kept.
  void ask_past(LastRuns& last_runs, const DagView& view, const History& history,
                Allowance& allowance, const Deadline& deadline);

  /// DAGs whose past is still to be asked for.
  std::size_t unasked() const { return unasked_.size(); }

 private:
  void begin_asking(LastRuns& last_runs, const DagView& view, const Deadline& deadline);
  std::vector<std::string> in_order(const LastRuns& last_runs, const DagList& list) const;

  const SharedLedger runs_;
  std::optional<std::string> scope_;     // of the DAGs that were or are asked for
  std::set<std::string> unasked_;        // as in the ledger
  std::map<std::string, Time> existed_;  // when DAGs that are not in the list were asked for
};

}  // namespace exporter::airflow
