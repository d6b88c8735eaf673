#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/error.h"
#include "exporters/airflow/run_counter.h"

namespace scripted {

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

inline const Time kNow = std::chrono::floor<std::chrono::seconds>(Ledger::wall_clock()) - 1h;

inline DagRun finished(const std::string& dag, const std::string& id, Time ended,
                       const std::string& state = "success") {
  DagRun run;
  run.dag = dag;
  run.id = id;
  run.state = state;
  run.type = "scheduled";
  run.due = run.started = ended - 1min;
  run.ended = ended;
  return run;
}

inline DagRun running(const std::string& dag, const std::string& id) {
  auto run = finished(dag, id, kNow, "running");
  run.ended.reset();
  return run;
}

/// The task of a run of the DAG d, succeeded.
inline TaskInstance succeeded(const std::string& run, std::int64_t try_number = 1) {
  TaskInstance task;
  task.dag = "d";
  task.run = run;
  task.task = "t";
  task.try_number = try_number;
  task.state = "success";
  task.started = kNow - 20s;
  task.ended = kNow;
  return task;
}

/// A deployment with replies that tests set, and the counter that watches it.
struct Airflow {
  explicit Airflow(bool has_due_filter = true) { history.has_due_filter = has_due_filter; }

  void update() {
    Live all;
    all.runs.rows = live;
    all.tasks.rows = live_tasks;
    all.runs.time = now;
    counter->update(all, history, failures, Deadline::in(1min));
    failures.check();
  }
  void kill() { counter.emplace(RunCounter::Options{.deployment = "a"}, runs, tasks); }
  std::string page(Format format = Format::text) const {
    Samples samples;
    counter->add_to(samples);
    std::string page;
    samples.render(format, page);
    return page;
  }
  bool has(const std::string& line) const { return page().find(line + '\n') != std::string::npos; }

  Time now = kNow;
  Failures failures;
  std::vector<DagRun> live;
  std::vector<TaskInstance> live_tasks;
  std::vector<DagRun> ended;  ///< in each slice
  std::map<RunKey, DagRun> by_id;
  std::vector<Slice> slices;
  std::vector<RunKey> asked;
  std::vector<TaskInstance> tasks_of_runs;
  std::vector<std::vector<RunKey>> asked_for_tasks;
  std::set<std::string> existing, forbidden;  ///< DAGs
  std::vector<std::string> asked_for_dags, asked_for_past;
  std::map<std::string, std::vector<DagRun>> past;
  std::map<std::string, DagRun> past_success;
  std::size_t total_past = 0;

  History history{
      .changed_runs =
          [this](const Slice& slice, std::size_t) {
            slices.push_back(slice);
            return Page<DagRun>{ended, ended.size(), ended.size()};
          },
      .some_changed = [this](const Slice& slice, std::size_t offset,
                             std::size_t) { return history.changed_runs(slice, offset); },
      .count_changed = [this](const Slice& slice) { return history.changed_runs(slice, 0).total; },
      .ended_runs = [](const Slice&, std::size_t) { return Page<DagRun>(); },
      .find_run = [this](const RunKey& key) -> std::optional<DagRun> {
        asked.push_back(key);
        const auto found = by_id.find(key);
        return found == by_id.end() ? std::nullopt : std::optional(found->second);
      },
      .tasks =
          [this](std::span<const RunKey> of, std::size_t) {
            asked_for_tasks.emplace_back(of.begin(), of.end());
            return Page<TaskInstance>{tasks_of_runs, tasks_of_runs.size(), tasks_of_runs.size()};
          },
      .tries = [](const TaskInstance&) { return std::nullopt; },
      .has_dag =
          [this](const std::string& dag) {
            asked_for_dags.push_back(dag);
            if (forbidden.contains(dag)) throw Error(Reason::auth, "forbidden");
            return existing.contains(dag);
          },
      .newest_runs =
          [this](const std::string& dag) {
            asked_for_past.push_back(dag);
            return Page<DagRun>{past[dag], past[dag].size(), total_past};
          },
      .newest_success = [this](const std::string& dag) -> std::optional<DagRun> {
        asked_for_past.push_back("success of " + dag);
        const auto found = past_success.find(dag);
        return found == past_success.end() ? std::nullopt : std::optional(found->second);
      }};

  Selection selection{Yaml::parse("{}", "airflow.yml")};
  /// The DAGs of the list, all of which existed at that time.
  void follow(const std::vector<std::string>& dags, std::optional<Time> read = {}) {
    DagList list;
    list.time = read.value_or(now);
    for (const auto& id : dags) {
      Dag dag;
      dag.id = id;
      dag.is_paused = id.starts_with("paused");
      dag.is_stale = id.starts_with("stale") || id.starts_with("broken");
      dag.has_import_errors = id.starts_with("broken");
      list.dags.emplace(id, dag);
    }
    selection.set_list(std::move(list));
    failures.begin(now);
    counter->follow(selection.view(), history, failures, Deadline::in(1min));
    failures.check();
  }

  std::shared_ptr<Ledger> book(const char* name) const {
    return std::make_shared<Ledger>(name, "", std::vector<Migration>(), kNow - 48h);
  }
  SharedLedger runs{book("runs")}, tasks{book("tasks")};
  std::optional<RunCounter> counter{std::in_place, RunCounter::Options{.deployment = "a"}, runs,
                                    tasks};
};

}  // namespace scripted
