#include "common/base/error.h"
#include "exporters/airflow/families.h"
#include "exporters/airflow/live.h"
#include "exporters/airflow/run_counter.h"

namespace exporter::airflow {
namespace {

constexpr MetricView kMetrics[] = {
    kLiveRuns,     kOldestRun,   kLiveTasks, kOldestTask, kUnreadLive,   kLastState, kLastRun,
    kLastDuration, kLastSuccess, kFailures,  kRequired,   kReadUpTo,     kUnread,    kRunsEnded,
    kRunDuration,  kDelay,       kRunQueue,  kTries,      kTaskDuration, kTaskQueue};

constexpr Flag kFlags[] = {
    {"collector.runs.by-task", "false",
     "Count the tries of each task by itself, with the label task_id, not those of each DAG.",
     Flag::Kind::boolean},
};

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
      const auto live = read_live(samples, deadline);
      add_live(samples, deployment_.name, live);
      const auto history = history_of(deployment_, samples, deadline);
      counter_.update(live, history, deadline);
      if (const auto list = deployment_.dags.get()) {
        counter_.follow(*list, "all", history, deadline);
      }
    } catch (const Error& error) {
      samples.set_failure(error);
    }
    add_to(samples);
  }

 private:
  Live read_live(Samples& samples, const Deadline& deadline) const;
  void add_to(Samples& samples) const;

  Deployment& deployment_;
  RunCounter counter_;
};

/// Where the right to read tasks is missing, runs are shown all the same.
Live Runs::read_live(Samples& samples, const Deadline& deadline) const {
  Live live;
  live.runs = read_live_runs(deployment_, samples, deadline);
  try {
    live.tasks = read_live_tasks(deployment_, samples, deadline);
  } catch (const Error& error) {
    if (error.reason() != Reason::auth) throw;
    samples.set_failure(error);
  }
  return live;
}

void Runs::add_to(Samples& samples) const {
  const auto& name = deployment_.name;
  for (const auto& [dag, last] : counter_.last_runs()) {
    if (!last.state.empty()) {
      samples.add(kLastState, 1, name, dag, last.state);
      samples.add(kLastRun, seconds_of(last.ended), name, dag);
    }
    if (last.seconds) samples.add(kLastDuration, *last.seconds, name, dag);
    if (last.success_at) samples.add(kLastSuccess, seconds_of(*last.success_at), name, dag);
    samples.add(kFailures, static_cast<double>(last.consecutive_failures), name, dag);
  }
  if (const auto list = deployment_.dags.get()) {
    for (const auto& [dag, since] : deployment_.requirements.of(*list, Ledger::wall_clock())) {
      samples.add(kRequired, seconds_of(since), name, dag);
    }
  }
  const auto read_up_to = counter_.read_up_to().recent;
  if (read_up_to != Time()) samples.add(kReadUpTo, seconds_of(read_up_to), name);
  samples.add(kUnread, static_cast<double>(counter_.pending()), name);
  counter_.add_to(samples);
}

}  // namespace

constinit const Module kRuns{"runs",
                             Module::Default::on,
                             kMetrics,
                             kFlags,
                             make<Runs>,
                             Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                             std::chrono::minutes(3)};

}  // namespace exporter::airflow
