#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "exporters/airflow/history.h"

namespace airflow_world {

using exporter::airflow::DagRun;
using exporter::airflow::History;
using exporter::airflow::TaskInstance;
using exporter::airflow::Time;

/// A run in the database of a deployment, with its tasks.
struct Run {
  DagRun run;
  Time due, updated;
  Time touched = {};  ///< when others could see the last change
  std::vector<TaskInstance> tasks;
  std::vector<int> retries = {};         ///< left, by task
  std::vector<TaskInstance> tries = {};  ///< finished, and no longer a task's newest
  bool is_unreadable = false;
};

/// A deployment in which runs start, retry, fail, are cleared, marked and deleted, individually and
/// with their DAGs, and which continues while it is queried. Some runs ended long before it
/// started. Some runs, without tasks, are unreadable: a page with one of them fails. It counts its
/// own events, except those of unreadable runs, as the expected result.
class World {
 public:
  /// Airflow 3 has an id for each try of a task.
  World(std::uint64_t seed, Time start, bool has_ids);

  /// Lets time pass, in which something happens.
  void pass(std::chrono::milliseconds time);
  /// Starts nothing more, and finishes what is live.
  void settle();

  Time now() const { return now_; }
  /// The runs that may be cleared, marked or deleted: they ended earlier, so that their end was
  /// seen.
  void set_seen(Time up_to) { seen_ = up_to; }
  /// A request fails with a probability of one in `one_in`; 0: never.
  void set_failing(unsigned one_in) { failing_ = one_in; }
  /// The live runs and tasks.
  exporter::airflow::Live live();
  exporter::airflow::DagList dags();
  /// Answers with the rows at the time of each call.
  History history(bool has_due_filter, bool has_tries);

  using Counts = std::map<std::pair<std::string, std::string>, double>;
  /// By dag and state.
  const Counts& runs() const { return runs_; }
  const Counts& tries() const { return tries_; }
  /// The state of each DAG's last finished run, of those that were not deleted.
  std::map<std::string, std::string> last_states() const;
  /// When each existing DAG succeeded last, if it has.
  const std::map<std::string, Time>& last_successes() const { return successes_; }
  const std::set<std::string>& deleted_dags() const { return deleted_dags_; }

 private:
  using Runs = std::map<std::pair<std::string, std::string>, Run>;

  unsigned random(unsigned below) {
    return std::uniform_int_distribution<unsigned>(0, below - 1)(random_);
  }
  void touch(Run& run);
  void make_past();
  void start_run();
  void advance(Run& run);
  bool advance_task(Run& run, std::size_t task);
  void end_try(TaskInstance& task, const std::string& state);
  void end_run(Run& run);
  void note_end(const Run& run);
  void clear(Run& run);
  void mark(Run& run);
  void change_old_runs();
  bool is_seen(const Run& run) const;
  void delete_dag();
  void answer();
  std::vector<const Run*> in_order() const;
  std::vector<const Run*> changed(const exporter::airflow::Slice& slice) const;
  exporter::airflow::Page<DagRun> page_of_changed(const exporter::airflow::Slice& slice,
                                                  std::size_t offset, std::size_t limit) const;
  std::vector<DagRun> ended_runs(const std::string& dag) const;

  std::mt19937_64 random_;
  Time now_, seen_;
  const bool has_ids_;
  unsigned failing_ = 0, made_ = 0;
  bool is_settling_ = false;
  Runs database_;
  Counts runs_, tries_;
  std::map<std::string, std::pair<Time, std::string>> last_;
  std::map<std::string, Time> successes_;
  std::vector<std::string> dags_;
  std::set<std::string> deleted_dags_;
};

}  // namespace airflow_world
