#include "exporters/dbt/cloud.h"

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "exporters/dbt/cloud_counts.h"
#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr std::size_t kMaxAtOnce = 20;
constexpr auto kNamesFor = std::chrono::minutes(10), kNewNamesFor = std::chrono::minutes(1);
constexpr auto kAskAgain = std::chrono::minutes(10);

constexpr auto kInfo =
    info("dbt_cloud_job_info", "Information about a job, to be joined on project and job_id.",
         "project", "job_id", "name", "cloud_project", "cloud_environment");
constexpr auto kQueued =
    gauge("dbt_cloud_job_queued_runs", "Runs of the job that wait to start.", "project", "job_id");
constexpr auto kRunning =
    gauge("dbt_cloud_job_running_runs", "Runs of the job in progress.", "project", "job_id");
constexpr auto kLastStatus = gauge("dbt_cloud_job_last_status",
                                   "1 for the outcome of the job's last run (success, error, "
                                   "cancelled); the others have no series.",
                                   "project", "job_id", "status");
constexpr auto kLastRun = gauge(
    "dbt_cloud_job_last_run_timestamp_seconds",
    "When the job's last run ended, with any outcome, in seconds since 1970.", "project", "job_id");
constexpr auto kLastSuccess =
    gauge("dbt_cloud_job_last_success_timestamp_seconds",
          "When a run of the job last succeeded, in seconds since 1970.", "project", "job_id");
constexpr auto kLastFailures = gauge(
    "dbt_cloud_job_last_run_has_failures",
    "1 if the artifacts of the job's last run report a failure, of a node or of the freshness "
    "of a source, 0 if they report none; absent until they are read.",
    "project", "job_id");
constexpr auto kUnread =
    gauge("dbt_cloud_unread_runs", "Finished runs whose artifacts are not read yet.", "project");

std::vector<MetricView> all_metrics() {
  std::vector<MetricView> all = {kInfo,    kQueued,      kRunning,      kLastStatus,
                                 kLastRun, kLastSuccess, kLastFailures, kUnread};
  all.insert(all.end(), cloud_counters().begin(), cloud_counters().end());
  return all;
}

}  // namespace

std::span<const MetricView> Cloud::metrics() {
  static const auto all = all_metrics();
  return all;
}

Cloud::Cloud(Options options, CloudApi api, SharedLedger ledger)
    : options_(std::move(options)),
      api_(std::move(api)),
      ledger_(std::move(ledger)),
      history_({options_.project, options_.lookback,
                [this](const CloudRun& run) { return is_wanted(run.job); }}),
      unread_(options_.project) {}

std::vector<Found> Cloud::list(const Deadline& deadline) {
  load(deadline);
  const auto unread = unread_.size();
  unread_.sweep();
  if (unread_.size() != unread) ++revision_;
  name_jobs(deadline);
  try {
    history_.read(
        api_, [this](const CloudRun& run) { take(run); }, deadline);
  } catch (const Error&) {
    store(deadline);
    throw;
  }
  ask_of_jobs(deadline);
  store(deadline);
  return unread_.offer(api_, deadline);
}

void Cloud::load(const Deadline& deadline) {
  if (is_loaded_) return;
  auto run = ledger_.begin(deadline);
  history_.start_after(parse_number<std::int64_t>(run.metadata(position_key())).value_or(0));
  is_loaded_ = true;
}

bool Cloud::is_wanted(std::int64_t job) const {
  return job != 0 && (options_.jobs.empty() || options_.jobs.contains(job));
}

/// Runs are read even if the jobs cannot be listed, as the list only describes them.
void Cloud::name_jobs(const Deadline& deadline) {
  const bool has_new =
      std::ranges::any_of(jobs_, [](const auto& entry) { return entry.second.job.name.empty(); });
  const auto age = Clock::now() - named_at_;
  const bool is_due = age >= (has_new || !is_listed_ ? kNewNamesFor : kNamesFor);
  if (named_at_ != Clock::time_point() && !is_due) return;
  try {
    list_jobs(deadline);
    is_listed_ = true;
  } catch (const Error& error) {
    if (!may_be_of_one(error)) throw;
    is_listed_ = false;
    log::warn("jobs cannot be listed, and are asked for again",
              {{"project", options_.project}, {"error", error.what()}});
  }
  named_at_ = Clock::now();
}

/// Discards jobs that were deleted, unless some of the list could not be read.
void Cloud::list_jobs(const Deadline& deadline) {
  std::set<std::int64_t> listed;
  auto jobs = api_.jobs(names_, deadline);
  for (auto& job : jobs.rows) {
    if (!is_wanted(job.id)) continue;
    listed.insert(job.id);
    jobs_[job.id].job = std::move(job);
  }
  if (jobs.is_whole) {
    std::erase_if(jobs_, [&](const auto& entry) { return !listed.contains(entry.first); });
  }
  ++revision_;
}

/// For jobs without a run so far: the results of their newest ones. The search may take dbt Cloud
/// too long for one job with many runs, which must not hold up the others.
void Cloud::ask_of_jobs(const Deadline& deadline) {
  std::size_t count = 0;
  for (auto& [id, state] : jobs_) {
    if (asked_.contains(id) || Clock::now() < state.ask_at) continue;
    if (++count > kMaxAtOnce) break;
    try {
      ask_of_job(id, state, deadline);
      asked_.insert(id);
    } catch (const Error& error) {
      if (!may_be_of_one(error)) throw;
      state.ask_at = Clock::now() + kAskAgain;
      log::warn("the last runs of a job are unknown until they are asked for again",
                {{"project", options_.project}, {"job", id}, {"error", error.what()}});
    }
  }
}

void Cloud::ask_of_job(std::int64_t id, CloudJobState& state, const Deadline& deadline) {
  const auto run = state.last ? std::nullopt : api_.newest_run_of(id, deadline);
  if (run && run->is_finished()) {
    note_end(*run);
    unread_.add(*run);
  }
  if (state.success_at) return;
  const auto success = api_.newest_success_of(id, deadline);
  if (success) state.success_at = success->ended_at();
  ++revision_;
}

void Cloud::take(const CloudRun& run) {
  if (!run.is_finished()) {
    jobs_[run.job].job.id = run.job;
    return;
  }
  note_end(run);
  uncounted_.push_back(run);
  unread_.add(run);
}

void Cloud::note_end(const CloudRun& run) {
  ++revision_;
  auto& state = jobs_[run.job];
  state.job.id = run.job;
  const auto at = run.ended_at();
  if (!state.last || is_as_new(at, state.last->ended_at())) state.last = run;
  if (run.status != CloudStatus::success) return;
  if (!state.success_at || is_as_new(at, *state.success_at)) state.success_at = at;
}

std::string Cloud::position_key() const { return "read up to " + api_.name(); }

void Cloud::store(const Deadline& deadline) {
  const auto position = history_.position(unread_.ids());
  if (uncounted_.empty() && position == history_.stored()) return;
  std::ranges::sort(uncounted_, {}, &CloudRun::ended_at);
  auto run = ledger_.begin(deadline);
  for (const auto& ended : uncounted_) count(run, options_.project, ended);
  run.set_metadata(position_key(), std::to_string(position));
  run.commit();
  uncounted_.clear();
  history_.note_stored(position);
}

void Cloud::add_to(Samples& samples) const {
  const auto& project = options_.project;
  std::map<std::int64_t, std::size_t> queued, running;
  for (const auto& [id, run] : history_.open()) {
    ++(run.status == CloudStatus::queued ? queued : running)[run.job];
  }
  for (const auto& [number, state] : jobs_) {
    const auto id = std::to_string(number);
    const auto& job = state.job;
    if (!job.name.empty()) {
      samples.add(kInfo, 1, project, id, job.name, job.project, job.environment);
    }
    samples.add(kQueued, static_cast<double>(queued[number]), project, id);
    samples.add(kRunning, static_cast<double>(running[number]), project, id);
    if (state.last) {
      samples.add(kLastStatus, 1, project, id, to_string(state.last->status));
      samples.add(kLastRun, unix_seconds(state.last->ended_at()), project, id);
      if (const auto has_failures = unread_.has_failures(*state.last)) {
        samples.add(kLastFailures, *has_failures ? 1 : 0, project, id);
      }
    }
    if (state.success_at) samples.add(kLastSuccess, unix_seconds(*state.success_at), project, id);
  }
  samples.add(kUnread, static_cast<double>(unread_.size()), project);
  add_cloud_counters(samples, *ledger_);
}

}  // namespace exporter::dbt
