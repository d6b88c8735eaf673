#include "tests/exporters/airflow/history_world.h"

#include <algorithm>

#include "common/base/error.h"
#include "exporters/airflow/finished.h"

namespace airflow_world {
namespace {

using namespace exporter;
using namespace exporter::airflow;
using namespace std::chrono_literals;

constexpr std::size_t kPage = 7;  // small, so that slices are halved and batches split

template <class Row>
Page<Row> page_of(std::vector<Row> rows, std::size_t offset, std::size_t limit = kPage) {
  Page<Row> page;
  page.total = rows.size();
  for (std::size_t i = offset; i < std::min(rows.size(), offset + std::min(limit, kPage)); ++i) {
    page.rows.push_back(std::move(rows[i]));
  }
  page.received = page.rows.size();
  return page;
}

}  // namespace

World::World(std::uint64_t seed, Time start, bool has_ids)
    : random_(seed), now_(start), has_ids_(has_ids) {
  for (int i = 0; i < 4; ++i) dags_.push_back("dag " + std::to_string(i));
  make_past();
}

/// Makes runs of up to ten days ago, for all DAGs and for some that no longer run.
void World::make_past() {
  for (int i = 0; i < 3; ++i) dags_.push_back("old " + std::to_string(i));
  for (const auto& dag : dags_) {
    for (auto count = random(7); count > 0; --count) {
      Run run;
      run.run.dag = dag;
      run.run.id = "past " + std::to_string(made_++);
      run.run.type = "scheduled";
      run.run.state = random(3) == 0 ? "success" : "failed";
      run.due = now_ - std::chrono::minutes(10 + random(14'400));
      run.run.due = run.run.started = run.due;
      run.run.ended = run.updated = run.due + 1min + std::chrono::microseconds(made_);
      note_end(run);
      database_[{dag, run.run.id}] = run;
    }
  }
}

void World::pass(std::chrono::milliseconds time) {
  now_ += time;
  if (!is_settling_ && random(3) > 0) start_run();
  if (!is_settling_ && random(40) == 0) {
    for (auto many = random(20); many > 0; --many) start_run();
  }
  for (auto& [key, run] : database_) advance(run);
  if (!is_settling_) change_old_runs();
}

void World::settle() {
  is_settling_ = true;
  for (int i = 0; i < 200; ++i) pass(1s);
}

/// Commits a change late: others see it some time after its own time.
void World::touch(Run& run) {
  const auto late = random(10) == 0 ? 600'000 : random(3) == 0 ? 40'000 : 4'000;
  run.updated = now_ - std::chrono::milliseconds(random(static_cast<unsigned>(late)));
  run.touched = now_;
}

void World::start_run() {
  Run run;
  run.run.dag = dags_[random(4)];
  run.run.id = "run\"" + std::to_string(made_++ / 2);  // two DAGs may have runs of the same name
  if (database_.contains({run.run.dag, run.run.id})) return;
  run.run.type = random(3) == 0 ? "manual" : random(5) == 0 ? "backfill" : "scheduled";
  run.due = run.run.type == "backfill" ? now_ - 72h : now_ - 1s;
  if (run.run.type == "scheduled") run.run.due = run.due;
  run.run.state = "queued";
  run.run.queued = now_;
  run.is_unreadable = random(20) == 0;
  const auto tasks = run.is_unreadable ? 0 : random(10) == 0 ? 20 : 1 + random(4);
  for (unsigned i = 0; i < tasks; ++i) {
    TaskInstance task;
    task.dag = run.run.dag;
    task.run = run.run.id;
    task.task = tasks == 20 ? "mapped" : "task " + std::to_string(i);
    task.map_index = tasks == 20 ? static_cast<int>(i) : -1;
    if (has_ids_) task.uuid = std::to_string(made_++);
    run.tasks.push_back(task);
    run.retries.push_back(static_cast<int>(random(3)));
  }
  touch(run);
  database_[{run.run.dag, run.run.id}] = std::move(run);
}

void World::advance(Run& run) {
  if (run.run.state == "queued" && random(2) == 0) {
    run.run.state = "running";
    run.run.started = now_;
    touch(run);
  }
  if (run.run.state != "running") return;
  bool has_live = false;
  for (std::size_t i = 0; i < run.tasks.size(); ++i) has_live |= advance_task(run, i);
  if (!has_live) end_run(run);
}

void World::end_run(Run& run) {
  const auto failed = [](const TaskInstance& task) {
    return task.state == "failed" || task.state == "upstream_failed";
  };
  run.run.state = std::ranges::any_of(run.tasks, failed) ? "failed" : "success";
  run.run.ended = now_ + std::chrono::microseconds(made_++ % 1000);  // no two at once
  touch(run);
  if (run.is_unreadable) return;
  ++runs_[{run.run.dag, run.run.state}];
  note_end(run);
}

void World::note_end(const Run& run) {
  auto& last = last_[run.run.dag];
  if (last.first < *run.run.ended) last = {*run.run.ended, run.run.id};
  if (run.run.state != "success") return;
  auto& success = successes_[run.run.dag];
  success = std::max(success, *run.run.ended);
}

/// Returns whether the task is still live.
bool World::advance_task(Run& run, std::size_t index) {
  auto& task = run.tasks[index];
  if (task.state == "running") {
    if (random(2) == 0) return true;
    if (random(3) > 0) {
      end_try(task, random(5) == 0 ? "skipped" : "success");
    } else if (run.retries[index] > 0) {
      --run.retries[index];
      end_try(task, "up_for_retry");
      return true;
    } else {
      end_try(task, "failed");
    }
    return false;
  }
  if (task.state == "up_for_retry" || task.state.empty()) {
    if (task.state == "up_for_retry") run.tries.push_back(task);
    if (task.state.empty() && random(8) == 0) {  // an upstream task failed
      task.state = "upstream_failed";
      task.started = task.ended = random(2) == 0 ? std::optional(now_) : std::nullopt;
      ++tries_[{task.dag, task.state}];
      return false;
    }
    ++task.try_number;
    task.state = "queued";
    task.queued = now_;
    return true;
  }
  if (task.state != "queued") return false;
  if (random(2) == 0) return true;
  task.state = "running";
  task.started = now_;
  task.ended.reset();
  return true;
}

void World::end_try(TaskInstance& task, const std::string& state) {
  task.state = state;
  task.ended = now_;
  ++tries_[{task.dag, state}];
}

/// Tasks keep the times of their last try until the next one.
void World::clear(Run& run) {
  run.run.state = "queued";
  run.run.queued = now_;
  run.run.started.reset();
  run.run.ended.reset();
  for (std::size_t i = 0; i < run.tasks.size(); ++i) {
    auto& task = run.tasks[i];
    // Not all are cleared. Without ids, tasks that never ran could not be distinguished from
    // cleared ones.
    const bool may_stay = has_ids_ || task.state != "upstream_failed";
    if (random(3) == 0 && may_stay) continue;
    const bool has_run = task.try_number > 0 && task.state != "upstream_failed";
    if (has_run) run.tries.push_back(task);
    task.state.clear();
    if (has_ids_) task.uuid = std::to_string(made_++);
    run.retries[i] = static_cast<int>(random(3));
  }
  touch(run);
}

void World::mark(Run& run) {
  run.run.state = run.run.state == "success" ? "failed" : "success";
  for (auto& task : run.tasks) {
    if (task.state == "failed") task.state = "success";
  }
  if (run.run.state == "success") note_end(run);
  touch(run);
}

bool World::is_seen(const Run& run) const {
  return run.run.ended && *run.run.ended < seen_ && run.touched < seen_;
}

/// Replaces a DAG by another one.
void World::delete_dag() {
  auto& dag = dags_[random(static_cast<unsigned>(dags_.size()))];
  const auto is_of_dag = [&](const auto& entry) { return entry.first.first == dag; };
  const auto is_safe = [&](const auto& entry) {
    return !is_of_dag(entry) || is_seen(entry.second);
  };
  if (seen_ == Time() || !std::ranges::all_of(database_, is_safe)) return;
  std::erase_if(database_, is_of_dag);
  last_.erase(dag);
  successes_.erase(dag);
  deleted_dags_.insert(dag);
  dag = "dag " + std::to_string(made_++);
}

void World::change_old_runs() {
  if (random(100) == 0) delete_dag();
  for (auto at = database_.begin(); at != database_.end();) {
    auto& run = at->second;
    if (run.is_unreadable || !is_seen(run) || random(30) > 0) {
      ++at;
      continue;
    }
    switch (random(3)) {
      case 0: clear(run); break;
      case 1: mark(run); break;
      default:
        if (last_[run.run.dag].second != run.run.id) {
          at = database_.erase(at);
          continue;
        }
    }
    ++at;
  }
}

std::map<std::string, std::string> World::last_states() const {
  std::map<std::string, std::string> states;
  for (const auto& [dag, last] : last_) {
    const auto found = database_.find({dag, last.second});
    if (found != database_.end() && found->second.run.ended == last.first) {
      states[dag] = found->second.run.state;
    }
  }
  return states;
}

/// Lets time pass during a request, which may fail.
void World::answer() {
  if (random(4) == 0) pass(200ms);
  if (failing_ == 0 || random(failing_) != 0) return;
  throw Error(random(2) == 0 ? Reason::connect : Reason::http_status, "made up");
}

std::vector<const Run*> World::in_order() const {
  std::vector<const Run*> all;
  for (const auto& [key, run] : database_) all.push_back(&run);
  return all;
}

Live World::live() {
  answer();
  Live live;
  live.runs.time = live.tasks.time = std::chrono::floor<std::chrono::seconds>(now_);
  for (const auto* run : in_order()) {
    if (run->run.has_ended() || run->is_unreadable) continue;
    live.runs.rows.push_back(run->run);
    for (const auto& task : run->tasks) {
      if (is_live(task) || task.state == "up_for_retry") live.tasks.rows.push_back(task);
    }
  }
  return live;
}

std::vector<const Run*> World::changed(const Slice& slice) const {
  auto all = in_order();
  std::erase_if(all, [&](const Run* run) {
    return !run->run.has_ended() || run->updated < slice.from || run->updated > slice.to ||
           (slice.due_from && run->due < *slice.due_from) ||
           (slice.due_to && run->due > *slice.due_to);
  });
  return all;
}

Page<DagRun> World::page_of_changed(const Slice& slice, std::size_t offset,
                                    std::size_t limit) const {
  const auto all = page_of(changed(slice), offset, limit);
  Page<DagRun> page{.rows = {}, .received = all.received, .total = all.total};
  for (const auto* run : all.rows) {
    if (run->is_unreadable) throw Error(Reason::http_status, "made up");
    page.rows.push_back(run->run);
  }
  return page;
}

DagList World::dags() {
  answer();
  DagList list;
  list.time = std::chrono::floor<std::chrono::seconds>(now_);
  for (const auto& id : dags_) {
    Dag dag;
    dag.id = id;
    dag.is_paused = id.size() % 2 == 0;
    list.dags.emplace(id, dag);
  }
  return list;
}

std::vector<DagRun> World::ended_runs(const std::string& dag) const {
  std::vector<DagRun> rows;
  for (const auto& [key, run] : database_) {
    if (key.first == dag && run.run.has_ended() && !run.is_unreadable) rows.push_back(run.run);
  }
  std::ranges::sort(rows, std::greater(), &DagRun::ended);
  return rows;
}

History World::history(bool has_due_filter, bool has_tries) {
  History history;
  history.has_due_filter = has_due_filter;
  history.changed_runs = [this](const Slice& slice, std::size_t offset) {
    answer();
    return page_of_changed(slice, offset, kPage);
  };
  history.some_changed = [this](const Slice& slice, std::size_t offset, std::size_t limit) {
    answer();
    return page_of_changed(slice, offset, limit);
  };
  history.count_changed = [this](const Slice& slice) {
    answer();
    return changed(slice).size();
  };
  history.find_run = [this](const RunKey& key) -> std::optional<DagRun> {
    answer();
    const auto found = database_.find({key.dag, key.run});
    if (found == database_.end()) return std::nullopt;
    return found->second.run;
  };
  history.tasks = [this](std::span<const RunKey> runs, std::size_t offset) {
    answer();
    std::vector<TaskInstance> rows;
    const auto is_asked_for = [&](const auto& key) {
      const auto has_dag = [&](const RunKey& run) { return run.dag == key.first; };
      const auto has_name = [&](const RunKey& run) { return run.run == key.second; };
      return std::ranges::any_of(runs, has_dag) && std::ranges::any_of(runs, has_name);
    };
    for (const auto& [key, run] : database_) {
      if (is_asked_for(key)) rows.insert(rows.end(), run.tasks.begin(), run.tasks.end());
    }
    return page_of(std::move(rows), offset);
  };
  history.tries =
      [this, has_tries](const TaskInstance& task) -> std::optional<std::vector<TaskInstance>> {
    answer();
    if (!has_tries) return std::nullopt;
    std::vector<TaskInstance> all;
    const auto found = database_.find({task.dag, task.run});
    if (found == database_.end()) return all;
    for (auto one : found->second.tries) {
      if (one.task != task.task || one.map_index != task.map_index) continue;
      if (one.state == "up_for_retry") one.state = "failed";
      all.push_back(std::move(one));
    }
    return all;
  };
  history.has_dag = [this](const std::string& dag) {
    answer();
    return std::ranges::find(dags_, dag) != dags_.end();
  };
  history.newest_runs = [this](const std::string& dag) {
    answer();
    auto page = page_of(ended_runs(dag), 0);
    if (page.rows.size() > 3) page.rows.resize(3);
    page.received = page.rows.size();
    return page;
  };
  history.newest_success = [this](const std::string& dag) -> std::optional<DagRun> {
    answer();
    for (auto& run : ended_runs(dag)) {
      if (run.state == "success") return run;
    }
    return std::nullopt;
  };
  history.most_asides = 3;
  return history;
}

}  // namespace airflow_world
