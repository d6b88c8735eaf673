#pragma once

#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "common/ledger/ledgers.h"
#include "exporters/airflow/dag_follower.h"
#include "exporters/airflow/finished.h"
#include "exporters/airflow/last_runs.h"
#include "exporters/airflow/notable_tasks.h"
#include "exporters/airflow/run_reader.h"
#include "exporters/airflow/task_reader.h"

namespace exporter::airflow {

/// Counts the finished runs and tries of one deployment, each once, and keeps the result of the
/// last run of each DAG. Its counts and its position are in its ledgers and are committed together,
/// so that it continues from there after a crash.
///
/// Runs and tasks have separate ledgers, because the newest event of a ledger determines what is
/// late: after an outage all runs are counted first, and then the tasks of each.
class RunCounter {
 public:
  struct Options {
    std::string deployment;  ///< the label
    Detail detail = Detail::dag;
  };
  RunCounter(Options options, SharedLedger runs, SharedLedger tasks);

  /// Reads what has ended since the last update, given what is live now; the first update looks
  /// back a day for the last runs of the DAGs. What can be read is counted. Throws Error for other
  /// failures than those of requests.
  void update(const Live& live, const History& history, Failures& failures,
              const Deadline& deadline);

  /// Discards the last runs of deleted DAGs, and asks for those before the first start, a few at a
  /// time. Call it after an update, with its failures; does nothing without a list.
  void follow(const DagView& view, const History& history, Failures& failures,
              const Deadline& deadline);

  const NotableTasks& notable_tasks() const { return notable_; }
  const LastRuns& last_runs() const { return last_runs_; }
  /// Adds the counters and histograms of the DAGs that `keep` accepts.
  void add_to(Samples& samples, const Ledger::Keep& keep = {}) const;
  /// The time up to which finished runs are counted; 1970 before the first update.
  const RunPosition& read_up_to() const { return known_.read_up_to; }
  /// The number of DAGs whose past is not yet known.
  std::size_t unasked() const { return follower_.unasked(); }
  /// The number of finished runs whose tasks are not yet read.
  std::size_t pending() const { return pending_.size(); }
  /// The number of finished runs that could not be read, and will be asked for again.
  std::size_t unread() const { return known_.unread.count(); }

 private:
  /// A try of a live task: it runs or waits, or it has ended and its task will be retried.
  struct TryKey {
    RunKey run;
    std::string task;
    std::int64_t map_index, try_number;
    bool has_ended;
    auto operator<=>(const TryKey&) const = default;
  };
  struct Tasks {
    DagRun run;
    std::vector<TaskInstance> rows;
    bool is_partial = false;  ///< some must be read again
  };

  void load(const Deadline& deadline);
  void go_back_if_ahead(const Deadline& deadline);
  void count_runs(const RunsRead& read, const Deadline& deadline);
  void note_live(const Live& live);
  void read_pending(const History& history, Allowance& allowance, const Deadline& deadline);
  void read_live(const History& history, Allowance& allowance, const Deadline& deadline);
  void read_and_count(const History& history, std::vector<DagRun> runs, Allowance& allowance,
                      const Deadline& deadline);
  void read_some(const History& history, std::span<const DagRun> runs, Allowance& allowance,
                 const Deadline& deadline);
  void find_missed(const History& history, std::vector<Tasks>& all, Allowance& allowance,
                   const Deadline& deadline);
  void count_tasks(const std::vector<Tasks>& all, const Deadline& deadline);
  void forget_pending(const std::vector<Tasks>& all, const Deadline& deadline);
  void give_up_pending(const Failures& failures, const Deadline& deadline);
  void forget_pending(const std::vector<RunKey>& runs, const Deadline& deadline);

  const Options options_;
  SharedLedger runs_, tasks_;
  bool is_loaded_ = false;
  Time time_;  // the server's clock at the last update
  Exemplars exemplars_;
  RunsKnown known_;
  LastRuns last_runs_;
  DagFollower follower_;
  NotableTasks notable_;
  std::map<RunKey, DagRun> pending_;  // finished; in the ledger too
  std::map<RunKey, DagRun> live_;     // as of the last update
  std::set<TryKey> live_tries_;       // as of the last update
  std::map<RunKey, Time> due_;        // when to read the tasks of live runs
};

}  // namespace exporter::airflow
