#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/ledger/ledgers.h"
#include "exporters/airflow/history.h"
#include "exporters/airflow/last_runs.h"
#include "exporters/airflow/selection.h"
#include "exporters/airflow/task_reader.h"

namespace exporter::airflow {

/// Keeps the last runs in line with the list of DAGs: discards those of deleted DAGs, and asks once
/// for the last run and the last success of DAGs that existed at the first start and have not run
/// recently. Its progress is in the ledger.
class DagFollower {
 public:
  explicit DagFollower(SharedLedger runs) : runs_(std::move(runs)) {}

  /// Loads its progress from the ledger.
  void load(Ledger::Run& run);

  /// Discards the last runs of DAGs that are no longer in the list, if they have no live run and
  /// Airflow says that they do not exist: the list also lacks DAGs that the user may not read, and
  /// those that moved while it was read.
  void discard_deleted(LastRuns& last_runs, const DagList& list, const std::set<std::string>& live,
                       const History& history, Allowance& allowance, const Deadline& deadline);

  /// Asks for the past of some DAGs in the list that count, paused ones last. If the set of DAGs
  /// that count has changed, discards what is known of those that no longer do, and asks for the
  /// new ones.
  void ask_past(LastRuns& last_runs, const DagView& view, const History& history,
                Allowance& allowance, const Deadline& deadline);

  /// The number of DAGs whose past is not yet known.
  std::size_t unasked() const { return unasked_.size(); }

 private:
  void begin_asking(LastRuns& last_runs, const DagView& view, const Deadline& deadline);
  std::vector<std::string> in_order(const LastRuns& last_runs, const DagList& list) const;

  const SharedLedger runs_;
  std::optional<std::string> scope_;     // of the DAGs whose past is or was read
  std::set<std::string> unasked_;        // as in the ledger
  std::map<std::string, Time> existed_;  // when DAGs that are not in the list were last asked for
};

}  // namespace exporter::airflow
