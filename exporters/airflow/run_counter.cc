#include "exporters/airflow/run_counter.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/config/json_object.h"

namespace exporter::airflow {
namespace {

constexpr std::string_view kPosition = "position", kPending = "pending/";
constexpr auto kLookback = std::chrono::hours(24);
/// Longer than the time between two readings of all runs.
constexpr auto kReadLately = std::chrono::minutes(15);
/// How often the tasks of live runs are read, so that finished ones count soon.
constexpr auto kLivePause = std::chrono::minutes(5);
/// How long after its end a run may still have tasks that end.
constexpr auto kAfterEnd = std::chrono::minutes(10);
/// How long the tasks of a run are asked for if they cannot be read.
constexpr auto kPatience = std::chrono::hours(24);

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time_at(const Json& json, std::string_view key) {
  return Time(Time::duration(json.at(key).integer()));
}

std::string pending_key(const RunKey& run) {
  return std::string(kPending) + run.dag + '\n' + run.run;
}

std::string written(const DagRun& run) {
  JsonObject object;
  object.add("dag", run.dag);
  object.add("run", run.id);
  object.add("ended", count(*run.ended));
  if (run.started) object.add("started", count(*run.started));
  return object.text();
}

DagRun read_pending_run(const Json& json) {
  DagRun run;
  run.dag = json.at("dag").string();
  run.id = json.at("run").string();
  run.ended = time_at(json, "ended");
  if (json.find("started")) run.started = time_at(json, "started");
  return run;
}

/// The tries before the one in the row, with what is known of them.
std::vector<TaskInstance> tries_before(const History& history, const TaskInstance& row) {
  const auto tries = history.tries(row);
  std::vector<TaskInstance> before;
  for (std::int64_t number = 1; number < row.try_number; ++number) {
    auto one = row;
    if (tries) {
      const auto found = std::ranges::find(*tries, number, &TaskInstance::try_number);
      if (found == tries->end() || !has_ended(*found)) continue;
      one = *found;
    } else {
      one.queued = one.started = std::nullopt;
      one.ended = row.started ? row.started : row.ended;
      one.state = "failed";
    }
    one.try_number = number;
    one.map_index = row.map_index;
    if (one.state == "failed") one.state = "up_for_retry";
    before.push_back(std::move(one));
  }
  return before;
}

std::string written(const RunPosition& position) {
  JsonObject object;
  object.add("recent", count(position.recent));
  object.add("old", count(position.old));
  object.add("late", count(position.late));
  return object.text();
}

}  // namespace

RunCounter::RunCounter(Options options, SharedLedger runs, SharedLedger tasks)
    : options_(std::move(options)),
      runs_(std::move(runs)),
      tasks_(std::move(tasks)),
      follower_(runs_) {}

void RunCounter::add_to(Samples& samples, const Ledger::Keep& keep) const {
  add_finished_runs(samples, *runs_, exemplars_, keep);
  add_finished_tasks(samples, *tasks_, exemplars_, keep);
}

void RunCounter::load(const Deadline& deadline) {
  if (is_loaded_) return;
  auto run = runs_.begin(deadline);
  last_runs_ = load_last_runs(run);
  follower_.load(run);
  run.each_metadata(kPending, [&](std::string_view, std::string_view text) {
    try {
      const auto pending = read_pending_run(Json::parse(text, "stored run"));
      pending_.emplace(key_of(pending), pending);
    } catch (const Error& error) {
      log::warn("stored entry left out", {{"error", error.what()}});
    }
  });
  if (const auto text = run.metadata(kPosition); !text.empty()) {
    try {
      const auto json = Json::parse(text, "stored position");
      known_.position = {time_at(json, "recent"), time_at(json, "old"), time_at(json, "late")};
    } catch (const Error& error) {
      log::warn("stored position unknown, a day is read again", {{"error", error.what()}});
    }
  }
  auto tasks = tasks_.begin(deadline);
  notable_.load(tasks);
  is_loaded_ = true;
}

void RunCounter::update(const Live& live, const History& history, Failures& failures,
                        const Deadline& deadline) {
  load(deadline);
  time_ = live.runs.time;
  failures.begin(time_);
  go_back_if_ahead(deadline);
  note_live(live);
  Allowance for_runs(history.most_requests, failures);
  count_runs(read_runs(history, live.runs, known_, kLookback, for_runs), deadline);
  Allowance allowance(history.most_requests, failures);
  read_pending(history, allowance, deadline);
  read_live(history, allowance, deadline);
}

/// If the server's clock was ahead, what it has changed since is read again.
void RunCounter::go_back_if_ahead(const Deadline& deadline) {
  if (known_.position.recent <= time_ + Ledger::kMaxAhead) return;
  const auto newest = runs_.begin(deadline).newest();
  known_.position = {newest, newest, newest};
  known_.read_up_to = {};
  known_.unread = {};
}

/// Finished runs are read first: they may make these requests unnecessary, and have priority.
void RunCounter::follow(const DagView& view, const History& history, Failures& failures,
                        const Deadline& deadline) {
  if (view.list() == nullptr || time_ - known_.read_up_to.recent > kReadLately) return;
  if (pending_.size() > kMostRunsAtOnce) return;
  std::set<std::string> live;
  for (const auto& [key, run] : live_) live.insert(key.dag);
  Allowance allowance(history.most_asides, failures);
  follower_.discard_deleted(last_runs_, *view.list(), live, history, allowance, deadline);
  follower_.ask_past(last_runs_, view, history, allowance, deadline);
}

/// Prepare, commit, assign.
void RunCounter::count_runs(const RunsRead& read, const Deadline& deadline) {
  auto ended = read.ended;
  std::ranges::stable_sort(ended, {}, [](const DagRun& run) { return run.ended; });
  auto last_runs = last_runs_;
  auto pending = pending_;
  {
    auto run = runs_.begin(deadline);
    Finished finished(run, options_.deployment, options_.detail);
    for (const auto& each : ended) {
      if (!each.ended) continue;
      const bool is_new = finished.count(each);
      if (note_end(last_runs, each, time_, is_new)) store_last_run(run, last_runs, each.dag);
      if (!is_new) continue;
      pending.insert_or_assign(key_of(each), each);
      run.set_metadata(pending_key(key_of(each)), written(each));
    }
    finished.finish();
    run.set_metadata(kPosition, written(read.known.position));
    run.commit();
    finished.move_exemplars_to(exemplars_);
  }
  last_runs_ = std::move(last_runs);
  pending_ = std::move(pending);
  known_ = read.known;
}

/// The tasks of a run are due when a try has ended: it is no longer live, or waits for a retry.
/// Those of other runs are due after a while, because a try may start and end between two updates.
void RunCounter::note_live(const Live& live) {
  live_.clear();
  for (const auto& run : live.runs.rows) live_.emplace(key_of(run), run);
  std::erase_if(due_, [&](const auto& entry) { return !live_.contains(entry.first); });
  for (const auto& [key, run] : live_) {
    auto& due = due_.try_emplace(key, time_ + kLivePause).first->second;
    due = std::min(due, time_ + kLivePause);  // the clock may have been ahead
  }
  std::set<TryKey> tries;
  for (const auto& task : live.tasks.rows) {
    tries.insert(
        {{task.dag, task.run}, task.task, task.map_index, task.try_number, has_ended(task)});
  }
  const auto note_ended = [&](const TryKey& ended) {
    if (const auto due = due_.find(ended.run); due != due_.end()) due->second = time_;
  };
  for (const auto& each : live_tries_) {
    if (!each.has_ended && !tries.contains(each)) note_ended(each);
  }
  for (const auto& each : tries) {
    if (each.has_ended && !live_tries_.contains(each)) note_ended(each);
  }
  live_tries_ = std::move(tries);
}

/// The oldest first.
void RunCounter::read_pending(const History& history, Allowance& allowance,
                              const Deadline& deadline) {
  std::vector<DagRun> runs;
  for (const auto& [key, run] : pending_) runs.push_back(run);
  std::ranges::stable_sort(runs, {}, [](const DagRun& run) { return run.ended; });
  read_and_count(history, std::move(runs), allowance, deadline);
  give_up_pending(allowance.failures(), deadline);
}

void RunCounter::read_live(const History& history, Allowance& allowance, const Deadline& deadline) {
  std::vector<DagRun> due;
  for (const auto& [key, run] : live_) {
    if (run.state == "running" && time_ >= due_.at(key)) due.push_back(run);
  }
  read_and_count(history, std::move(due), allowance, deadline);
}

void RunCounter::read_and_count(const History& history, std::vector<DagRun> runs,
                                Allowance& allowance, const Deadline& deadline) {
  allowance.failures().arrange(runs);
  for (std::span<const DagRun> left = runs; !left.empty();) {
    deadline.check();
    const auto some = left.first(std::min(left.size(), kMostRunsAtOnce));
    read_some(history, some, allowance, deadline);
    left = left.subspan(some.size());
  }
}

void RunCounter::read_some(const History& history, std::span<const DagRun> runs,
                           Allowance& allowance, const Deadline& deadline) {
  std::vector<RunKey> keys;
  std::map<RunKey, const DagRun*> by_key;
  for (const auto& run : runs) {
    keys.push_back(key_of(run));
    by_key.emplace(keys.back(), &run);
  }
  std::vector<Tasks> all;
  read_tasks(history, keys, allowance, [&](const RunKey& key, std::vector<TaskInstance> rows) {
    all.push_back({*by_key.at(key), std::move(rows)});
  });
  if (all.empty()) return;
  find_missed(history, all, allowance, deadline);
  count_tasks(all, deadline);
  forget_pending(all, deadline);
  for (const auto& tasks : all) {
    const auto due = due_.find(key_of(tasks.run));
    if (due != due_.end() && !tasks.is_partial) due->second = time_ + kLivePause;
  }
}

/// A list has only the newest try of each task. If there was no request left for the earlier tries,
/// or they cannot be read, the row is left for the next update.
void RunCounter::find_missed(const History& history, std::vector<Tasks>& all, Allowance& allowance,
                             const Deadline& deadline) {
  std::set<const TaskInstance*> later;
  {
    auto run = tasks_.begin(deadline);
    Finished finished(run, options_.deployment, options_.detail);
    for (const auto& tasks : all) {
      for (const auto& row : tasks.rows) {
        if (finished.may_follow_missed(row, tasks.run)) later.insert(&row);
      }
    }
  }
  if (later.empty()) return;
  for (auto& tasks : all) {
    std::vector<TaskInstance> known;
    for (const auto& row : tasks.rows) {
      if (later.contains(&row)) {
        std::vector<TaskInstance> missed;
        const auto ask = [&] { missed = tries_before(history, row); };
        if (!allowance.take() || !allowance.failures().attempt(tasks.run, ask)) {
          tasks.is_partial = true;
          continue;
        }
        for (auto& each : missed) known.push_back(std::move(each));
      }
      known.push_back(row);
    }
    tasks.rows = std::move(known);
  }
}

void RunCounter::count_tasks(const std::vector<Tasks>& all, const Deadline& deadline) {
  auto run = tasks_.begin(deadline);
  auto notable = notable_;
  Finished finished(run, options_.deployment, options_.detail);
  for (const auto& tasks : all) {
    for (const auto& task : tasks.rows) {
      if (finished.count(task, tasks.run)) notable.note(run, task);
    }
  }
  finished.finish();
  notable.expire(run, time_);
  run.commit();
  finished.move_exemplars_to(exemplars_);
  notable_ = std::move(notable);
}

/// Called after the tasks are committed: if the process is killed in between, they are read again.
void RunCounter::forget_pending(const std::vector<Tasks>& all, const Deadline& deadline) {
  std::vector<RunKey> done;
  for (const auto& tasks : all) {
    const auto key = key_of(tasks.run);
    if (tasks.is_partial || !pending_.contains(key)) continue;
    const bool may_change = std::ranges::any_of(tasks.rows, is_live);
    if (may_change && std::chrono::abs(time_ - *tasks.run.ended) < kAfterEnd) continue;
    done.push_back(key);
  }
  forget_pending(done, deadline);
}

void RunCounter::give_up_pending(const Failures& failures, const Deadline& deadline) {
  std::vector<RunKey> given_up;
  for (const auto& [key, run] : pending_) {
    if (!failures.is_unreadable(key, kPatience)) continue;
    log::warn("tasks of a run that cannot be read are not counted",
              {{"dag_id", key.dag}, {"dag_run_id", key.run}});
    given_up.push_back(key);
  }
  forget_pending(given_up, deadline);
}

void RunCounter::forget_pending(const std::vector<RunKey>& runs, const Deadline& deadline) {
  if (runs.empty()) return;
  auto run = runs_.begin(deadline);
  for (const auto& key : runs) run.set_metadata(pending_key(key), {});
  run.commit();
  for (const auto& key : runs) pending_.erase(key);
}

}  // namespace exporter::airflow
