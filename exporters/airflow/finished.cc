#include "exporters/airflow/finished.h"

#include <algorithm>
#include <array>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "exporters/airflow/families.h"

namespace exporter::airflow {
namespace {

constexpr std::array<double, 11> kRunBounds = {5,    15,   60,    300,   900,  1800,
                                               3600, 7200, 14400, 43200, 86400};
constexpr std::array<double, 6> kDelayBounds = {5, 15, 60, 300, 900, 3600};
constexpr std::array<double, 7> kTaskBounds = {1, 10, 60, 300, 900, 3600, 14400};

std::string micros(Time time) { return std::to_string(time.time_since_epoch().count()); }

/// The seconds between two times; nothing if one is missing, or if they are in the wrong order.
std::optional<double> seconds(const std::optional<Time>& from, const std::optional<Time>& to) {
  if (!from || !to || *to < *from) return std::nullopt;
  return std::chrono::duration<double>(*to - *from).count();
}

/// Names contain no line feed, except in records from other sources; ids still differ then.
std::string id_of(const DagRun& run) { return run.dag + '\n' + run.id + '\n' + micros(*run.ended); }

/// A task that did not run because an earlier one failed has the number of the previous try, or 0.
bool never_ran(const TaskInstance& task) {
  return task.try_number == 0 || task.state == "upstream_failed";
}

std::string id_of(const TaskInstance& task, std::int64_t try_number) {
  return task.dag + '\n' + task.run + '\n' + task.task + '\n' + std::to_string(task.map_index) +
         '\n' + std::to_string(try_number);
}

std::string id_of(const TaskInstance& task, const DagRun& run) {
  if (!never_ran(task)) return id_of(task, task.try_number);
  const auto which = task.uuid.empty() ? micros(run.started.value_or(Time())) : task.uuid;
  return id_of(task, 0) + '\n' + which;
}

/// A task that was skipped together with others has no times of its own (Airflow 2 and 3).
Time when_of(const TaskInstance& task, const DagRun& run) {
  if (task.ended) return *task.ended;
  return run.ended ? *run.ended : task.started.value_or(run.started.value_or(Time()));
}

void add_histogram(Samples& samples, const Ledger& ledger, const MetricView& metric,
                   std::span<const double> bounds, const Exemplars& exemplars,
                   const Ledger::Keep& keep) {
  ledger.add_to(samples, metric, bounds, keep, [&](std::span<const std::string_view> labels) {
    return exemplars.of(metric, labels);
  });
}

}  // namespace

bool has_ended(const TaskInstance& task) {
  constexpr std::array<std::string_view, 6> kEnded = {"success", "failed",          "up_for_retry",
                                                      "skipped", "upstream_failed", "removed"};
  return std::ranges::find(kEnded, task.state) != kEnded.end();
}

bool is_live(const TaskInstance& task) {
  constexpr std::array<std::string_view, 6> kLive = {
      "scheduled", "queued", "running", "deferred", "restarting", "up_for_reschedule"};
  return std::ranges::find(kLive, task.state) != kLive.end();
}

Finished::Finished(Ledger::Run& run, std::string deployment, Detail detail)
    : run_(run), deployment_(std::move(deployment)), detail_(detail) {}

/// If the ledger has no room the event stays new, but must not be observed repeatedly.
bool Finished::count(const MetricView& counter, const Event& event,
                     std::span<const std::string_view> labels) {
  if (!run_.is_new(counter, event)) return false;
  try {
    run_.record(counter, event, 1, labels);
  } catch (const Error& error) {
    if (error.reason() != Reason::decode) throw;
    log::warn("not counted", {{"deployment", deployment_}, {"error", error.what()}});
    return false;
  }
  return !run_.is_new(counter, event);
}

bool Finished::count(const DagRun& run) {
  if (!run.ended || !run.has_ended()) return false;
  const auto id = id_of(run);
  const Event event{id, *run.ended};
  const std::string_view labels_of[] = {deployment_, run.dag, run.state, run.type};
  if (!count(kRunsEnded, event, labels_of)) return false;
  const auto observe = [&](const MetricView& metric, std::span<const double> bounds,
                           const std::optional<double>& value, std::vector<std::string> labels) {
    if (!value) return;
    const Label leads_to[] = {{"run_id", run.id}};
    observations_.add(metric, bounds, *value, *run.ended, std::move(labels), leads_to);
  };
  observe(kRunDuration, kRunBounds, seconds(run.started, run.ended),
          {deployment_, run.dag, run.state});
  observe(kDelay, kDelayBounds, seconds(run.due, run.started), {deployment_, run.dag});
  observe(kRunQueue, kDelayBounds, seconds(run.queued, run.started), {deployment_, run.dag});
  return true;
}

bool Finished::count(const TaskInstance& task, const DagRun& run) {
  if (!has_ended(task)) return false;
  const auto id = id_of(task, run);
  const Event event{id, when_of(task, run)};
  const auto name = detail_ == Detail::task ? task.task : std::string();
  const std::string_view labels[] = {deployment_, task.dag, name, task.state};
  if (!count(kTries, event, labels)) return false;
  if (never_ran(task) || task.state == "skipped" || task.state == "removed") return true;
  const auto observe = [&](const MetricView& metric, std::span<const double> bounds,
                           const std::optional<double>& value) {
    if (!value) return;
    const Label leads_to[] = {{"run_id", task.run}, {"task_id", task.task}};
    const auto labels_shown = std::span(leads_to).first(name.empty() ? 2 : 1);
    observations_.add(metric, bounds, *value, event.when, {deployment_, task.dag, name},
                      labels_shown);
  };
  observe(kTaskDuration, kTaskBounds, seconds(task.started, task.ended));
  observe(kTaskQueue, kDelayBounds, seconds(task.queued, task.started));
  return true;
}

bool Finished::may_follow_missed(const TaskInstance& task, const DagRun& run) {
  if (task.try_number < 2 || !has_ended(task) || never_ran(task)) return false;
  const auto when = when_of(task, run);
  return run_.is_new(kTries, {id_of(task, run), when}) &&
         run_.is_new(kTries, {id_of(task, task.try_number - 1), when});
}

void Finished::finish() {
  if (observations_.empty()) return;
  constexpr std::string_view kNumber = "reports";
  const auto number = parse_number<std::uint64_t>(run_.metadata(kNumber)).value_or(0) + 1;
  observations_.report(run_, number);
  run_.set_metadata(kNumber, std::to_string(number));
}

void add_finished_runs(Samples& samples, const Ledger& runs, const Exemplars& exemplars,
                       const Ledger::Keep& keep) {
  runs.add_to(samples, kRunsEnded, {}, keep);
  add_histogram(samples, runs, kRunDuration, kRunBounds, exemplars, keep);
  add_histogram(samples, runs, kDelay, kDelayBounds, exemplars, keep);
  add_histogram(samples, runs, kRunQueue, kDelayBounds, exemplars, keep);
}

void add_finished_tasks(Samples& samples, const Ledger& tasks, const Exemplars& exemplars,
                        const Ledger::Keep& keep) {
  tasks.add_to(samples, kTries, {}, keep);
  add_histogram(samples, tasks, kTaskDuration, kTaskBounds, exemplars, keep);
  add_histogram(samples, tasks, kTaskQueue, kDelayBounds, exemplars, keep);
}

}  // namespace exporter::airflow
