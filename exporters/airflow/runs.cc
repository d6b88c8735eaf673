#include <map>
#include <optional>
#include <set>

#include "common/base/error.h"
#include "exporters/airflow/dags.h"
#include "exporters/airflow/families.h"
#include "exporters/airflow/live.h"
#include "exporters/airflow/past_runs.h"
#include "exporters/airflow/run_counter.h"

namespace exporter::airflow {
namespace {

constexpr MetricView kMetrics[] = {
    kLiveRuns,     kOldestRun,    kLiveTasks,    kOldestTask, kUnreadLive, kLastState,
    kLastRun,      kLastDuration, kLastSuccess,  kFailures,   kRequired,   kReadUpTo,
    kUnread,       kRunsEnded,    kRunDuration,  kDelay,      kRunQueue,   kTries,
    kTaskDuration, kTaskQueue,    kTaskFailures, kTaskLongest};

constexpr Flag kFlags[] = {
    {"collector.runs.by-task", "false",
     "Count task tries by task, with the label task_id, instead of by DAG.", Flag::Kind::boolean},
};

/// How long live rows stay on the page if they cannot be read again, as samples of other
/// collectors.
constexpr auto kBelieved = std::chrono::minutes(5);

class Runs {
 public:
  explicit Runs(Deployment& deployment)
      : deployment_(deployment),
        counter_(
            {.deployment = deployment.name,
             .detail = deployment.settings->enabled(kFlags[0].name) ? Detail::task : Detail::dag},
            deployment.ledger, deployment.tasks) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      read(samples, deadline);
    } catch (const Error& error) {
      samples.set_failure(error);
    }
    add_to(samples);
  }

 private:
  void read(Samples& samples, const Deadline& deadline);
  Live read_live(Samples& samples, const Deadline& deadline) const;
  History history(const DagView& view, Samples& samples, const Deadline& deadline) const;
  void select(const Live& live);
  void add_to(Samples& samples) const;

  Deployment& deployment_;
  RunCounter counter_;
  Failures failures_;
  Live live_;  ///< those on the page
  std::optional<Clock::time_point> live_at_;
};

/// Leaves out rows of DAGs for which the predicate is false.
template <class Predicate>
void keep_rows(Live& live, const Predicate& of_dag) {
  const auto is_out = [&](const auto& row) { return !of_dag(row.dag); };
  std::erase_if(live.runs.rows, is_out);
  std::erase_if(live.tasks.rows, is_out);
}

void Runs::read(Samples& samples, const Deadline& deadline) {
  auto& selection = deployment_.selection;
  if (selection.filter().needs_list() && selection.view().list() == nullptr) {
    read_dags(deployment_, samples, deadline);
  }
  auto view = selection.view();
  auto live = read_live(samples, deadline);
  keep_rows(live, [&](const std::string& dag) { return view.counts(dag); });
  std::optional<Error> failure;
  try {
    const auto asked = history(view, samples, deadline);
    counter_.update(live, asked, failures_, deadline);
    counter_.follow(view, asked, failures_, deadline);
    failures_.check();
  } catch (const Error& error) {
    failure = error;
  }
  select(live);
  view = selection.view();
  keep_rows(live, [&](const std::string& dag) { return view.shows(dag); });
  if (live.tasks.time == Time() && live.runs.time < live_.tasks.time + kBelieved) {
    live.tasks = std::move(live_.tasks);
  }
  live_ = std::move(live);
  live_at_ = Clock::now();
  if (failure) throw Error(*failure);
}

/// Gives DAGs with finished or live runs their places on the page.
void Runs::select(const Live& live) {
  Selection::EndedRuns ended;
  for (const auto& [dag, last] : counter_.last_runs()) {
    ended[dag] = {last.state == "failed", last.ended};
  }
  std::set<std::string> running;
  for (const auto& run : live.runs.rows) running.insert(run.dag);
  deployment_.selection.set_runs(std::move(ended), std::move(running), Ledger::wall_clock());
}

/// Leaves out the runs of excluded DAGs.
History Runs::history(const DagView& view, Samples& samples, const Deadline& deadline) const {
  auto history = history_of(deployment_, samples, deadline);
  const auto counted = [view](Page<DagRun> page) {
    std::erase_if(page.rows, [&](const DagRun& run) { return !view.counts(run.dag); });
    return page;
  };
  history.changed_runs = [counted, ask = std::move(history.changed_runs)](const Slice& slice,
                                                                          std::size_t offset) {
    return counted(ask(slice, offset));
  };
  history.some_changed = [counted, ask = std::move(history.some_changed)](
                             const Slice& slice, std::size_t offset, std::size_t limit) {
    return counted(ask(slice, offset, limit));
  };
  return history;
}

/// Runs are still shown and counted without the permission to read tasks, or if these cannot be
/// read.
Live Runs::read_live(Samples& samples, const Deadline& deadline) const {
  Live live;
  live.runs = read_live_runs(deployment_, samples, deadline);
  try {
    live.tasks = read_live_tasks(deployment_, samples, deadline);
  } catch (const Error& error) {
    if (error.reason() != Reason::auth && !Failures::may_be_of_one(error)) throw;
    samples.set_failure(error);
  }
  return live;
}

void Runs::add_to(Samples& samples) const {
  const auto& name = deployment_.name;
  const auto view = deployment_.selection.view();
  const auto now = Ledger::wall_clock();
  if (live_at_ && Clock::now() < *live_at_ + kBelieved) add_live(samples, name, live_);
  for (const auto& [dag, last] : counter_.last_runs()) {
    if (!view.shows(dag)) continue;
    if (!last.state.empty()) {
      samples.add(kLastState, 1, name, dag, last.state);
      samples.add(kLastRun, seconds_of(last.ended), name, dag);
    }
    if (last.seconds) samples.add(kLastDuration, *last.seconds, name, dag);
    if (last.success_at) samples.add(kLastSuccess, seconds_of(*last.success_at), name, dag);
    samples.add(kFailures, static_cast<double>(last.consecutive_failures), name, dag);
  }
  if (view.list() != nullptr) {
    for (const auto& [dag, since] : deployment_.requirements.of(*view.list(), now)) {
      if (view.shows(dag)) samples.add(kRequired, seconds_of(since), name, dag);
    }
  }
  const auto shows = [view](std::string_view dag) { return view.shows(dag); };
  for (const auto& [task, value] : counter_.notable_tasks().failures(shows, now)) {
    samples.add(kTaskFailures, value, name, task.dag, task.task);
  }
  for (const auto& [task, value] : counter_.notable_tasks().longest(shows, now)) {
    samples.add(kTaskLongest, value, name, task.dag, task.task);
  }
  const auto read_up_to = counter_.read_up_to().recent;
  if (read_up_to != Time()) samples.add(kReadUpTo, seconds_of(read_up_to), name);
  samples.add(kUnread, static_cast<double>(counter_.pending() + counter_.unread()), name);
  counter_.add_to(samples, keep_dags(shows));
  samples.count_dropped(view.hidden());
}

}  // namespace

constinit const Module kRuns{"runs",
                             Module::Default::on,
                             kMetrics,
                             kFlags,
                             make<Runs>,
                             Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                             std::chrono::minutes(3),
                             nullptr,
                             false,
                             true,
                             read_past_runs};

}  // namespace exporter::airflow
