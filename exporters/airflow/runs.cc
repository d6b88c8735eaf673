#include "common/base/error.h"
#include "exporters/airflow/finished_families.h"
#include "exporters/airflow/run_counter.h"

namespace exporter::airflow {
namespace {

constexpr auto kLastState =
    gauge("airflow_dag_last_run_state",
          "1 for how the last run that ended did (success, failed); the other has no series.",
          "deployment", "dag_id", "state");
constexpr auto kLastRun =
    gauge("airflow_dag_last_run_timestamp_seconds",
          "When the last run that ended did, in seconds since 1970.", "deployment", "dag_id");
constexpr auto kLastDuration =
    gauge("airflow_dag_last_run_duration_seconds",
          "How long the last run that ended took from its start.", "deployment", "dag_id");
constexpr auto kLastSuccess =
    gauge("airflow_dag_last_success_timestamp_seconds",
          "When a run last ended with success, in seconds since 1970; absent while none has since "
          "a day before the exporter's first start.",
          "deployment", "dag_id");
constexpr auto kFailures =
    gauge("airflow_dag_consecutive_failed_runs",
          "Runs that failed since the last one that did not.", "deployment", "dag_id");
constexpr auto kReadUpTo =
    gauge("airflow_runs_read_timestamp_seconds",
          "Up to when, by the clock of the deployment, runs that ended are counted.", "deployment");
constexpr auto kUnread =
    gauge("airflow_unread_runs", "Runs that have ended and whose tasks are still to be counted.",
          "deployment");

constexpr MetricView kMetrics[] = {kLastState, kLastRun, kLastDuration, kLastSuccess, kFailures,
                                   kReadUpTo,  kUnread,  kRunsEnded,    kRunDuration, kDelay,
                                   kRunQueue,  kTries,   kTaskDuration, kTaskQueue};

class Runs {
 public:
  explicit Runs(Deployment& deployment)
      : deployment_(deployment),
        counter_({.deployment = deployment.name}, deployment.ledger, deployment.tasks) {}

  void collect(Samples& samples, const Deadline& deadline) {
    try {
      counter_.update(history_of(deployment_, samples, deadline), deadline);
    } catch (const Error& error) {
      samples.set_failure(error);
    }
    add_to(samples);
  }

 private:
  void add_to(Samples& samples) const;

  Deployment& deployment_;
  RunCounter counter_;
};

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
  const auto read_up_to = counter_.read_up_to().recent;
  if (read_up_to != Time()) samples.add(kReadUpTo, seconds_of(read_up_to), name);
  samples.add(kUnread, static_cast<double>(counter_.pending()), name);
  counter_.add_to(samples);
}

}  // namespace

constinit const Module kRuns{"runs",
                             Module::Default::on,
                             kMetrics,
                             {},
                             make<Runs>,
                             Every{std::chrono::seconds(30), std::chrono::minutes(5)},
                             std::chrono::minutes(3)};

}  // namespace exporter::airflow
