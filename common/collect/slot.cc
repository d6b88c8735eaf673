#include "common/collect/slot.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter {
namespace {

/// How long after its timeout a run may still end by itself.
constexpr auto kGrace = std::chrono::milliseconds(500);
constexpr const char* kLate = "did not finish before the scrape's deadline";
constexpr const char* kGivenUp = "did not finish within its timeout, and still runs";
constexpr int kLevelOnScrape = 1, kLevelBackground = 6;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

void count_samples(Status& status, const Samples& samples) {
  status.samples = samples.size();
  status.duplicates = samples.duplicates();
  status.dropped = samples.dropped();
}

void set_failure(Status& status, Reason reason, std::string error) {
  status.outcome = Status::Outcome::failure;
  status.reason = reason;
  status.error = std::move(error);
}

void set_failure(Run& run, const Error& error) {
  set_failure(run.status, error.reason(), error.what());
  run.not_before = error.not_before();
}

/// The status of a run that goes on although its time is over.
Status overdue(Status status, const char* error, Clock::duration so_far) {
  set_failure(status, Reason::timeout, error);
  status.samples = status.duplicates = status.dropped = 0;
  status.duration_seconds = seconds(so_far);
  return status;
}

RunRecord record_of(const Run& run) {
  const auto& status = run.status;
  return {unix_now() - status.duration_seconds,
          status.duration_seconds,
          run.requests,
          status.samples,
          status.outcome == Status::Outcome::success,
          status.reason,
          status.error};
}

/// What a person should know of a run that is good.
std::string note_of(const Samples& samples) {
  const auto& row = samples.first_malformed_row();
  if (row.empty()) return samples.note();
  const auto text = "malformed rows left out, the first: " + row;
  return samples.note().empty() ? text : samples.note() + "; " + text;
}

}  // namespace

void log_notice(const Notice& notice) {
  using enum Notice::Kind;
  if (notice.text.empty() && notice.kind != recovered) return;
  const auto& collector = *notice.collector;
  const log::Field name{"collector", collector.name};
  const log::Field source{collector.source.empty() ? "" : "source", collector.source};
  switch (notice.kind) {
    case recovered: return log::info("collector recovered", {name, source});
    case duplicate:
      return log::warn("duplicate series, the first is kept",
                       {name, source, {"series", notice.text}});
    case malformed_row:
      return log::warn("malformed rows left out", {name, source, {"first", notice.text}});
    case failed:
      return log::error(
          "collector failed",
          {name, source, {"reason", to_string(notice.reason)}, {"error", notice.text}});
  }
}

Run refused_run(const Collector& collector) {
  Run run;
  set_failure(
      run.status, Reason::timeout,
      "not run: more than " + std::to_string(collector.at_once) + " collectors of its source hang");
  return run;
}

Run run_collector(const Collector& collector, std::string_view source_label,
                  const std::stop_token& stop) {
  Run run;
  const auto begin = Clock::now();
  const bool in_background = std::holds_alternative<Every>(collector.schedule);
  const auto requests = std::make_shared<Deadline::Tally>(0);
  try {
    Samples samples;
    if (!collector.source.empty()) samples.require({source_label, collector.source});
    collector.collect(samples,
                      Deadline::at(later(begin, collector.timeout), stop).counted_into(requests));
    run.status.outcome = Status::Outcome::success;
    if (samples.failure()) set_failure(run, *samples.failure());
    run.keeps_last = samples.keeps_last();
    count_samples(run.status, samples);
    run.duplicate = samples.first_duplicate();
    run.malformed_row = samples.first_malformed_row();
    run.status.note = note_of(samples);
    if (!collector.source.empty()) samples.group_by_family();
    run.snapshot = std::make_shared<const Snapshot>(
        std::move(samples), in_background ? kLevelBackground : kLevelOnScrape);
  } catch (const Error& error) {
    set_failure(run, error);
  } catch (...) {
    set_failure(run.status, Reason::internal, current_error());
  }
  run.requests = *requests;
  run.status.duration_seconds = seconds(Clock::now() - begin);
  return run;
}

Slot::Slot(Collector collector, Clock::time_point first_due)
    : collector_(std::move(collector)),
      due_(in_background() ? first_due : Clock::time_point::max()) {}

bool Slot::is_ready(Clock::time_point now) const { return !running_ && due() <= now; }

Clock::time_point Slot::due() const {
  return wanted_ > finished_ ? Clock::time_point::min() : due_;
}

void Slot::start(Clock::time_point now) {
  running_ = true;
  given_up_ = false;
  started_ = now;
  fulfils_ = wanted_;
}

Clock::time_point Slot::overdue_at() const {
  if (!running_ || given_up_) return Clock::time_point::max();
  return later(later(started_, collector_.timeout), kGrace);
}

void Slot::give_up(Clock::time_point now, Notices& notices) {
  given_up_ = true;
  Run run;
  run.status = overdue(*status_, kGivenUp, now - started_);
  if (!in_background()) snapshot_ = nullptr;
  note_change(run, true, notices);
  history_.add(record_of(run));
  status_ = std::make_shared<const Status>(std::move(run.status));
}

void Slot::finish(Run run, Clock::time_point now, Notices& notices) {
  const bool good = run.status.outcome == Status::Outcome::success;
  running_ = false;
  finished_ = fulfils_;
  failures_ = good ? 0 : failures_ + 1;
  run.status.last_success_unix = good ? unix_now() : status_->last_success_unix;
  if (const auto* background = every()) {
    due_ = next_due(*background, {due_, now, failures_, run.not_before});
    if (run.snapshot) {
      good_until_ = later(later(now, background->interval), background->keep_stale_for);
    }
  }
  if (run.snapshot) {
    keep_samples(run);
  } else if (!in_background()) {
    snapshot_ = nullptr;
  }
  // That it was late has been counted and logged.
  const bool known = given_up_ && run.status.reason == Reason::timeout;
  if (!good && known) run.status.error = kGivenUp;
  note_change(run, !good && !known, notices);
  given_up_ ? history_.replace_newest(record_of(run)) : history_.add(record_of(run));
  given_up_ = false;
  status_ = std::make_shared<const Status>(std::move(run.status));
}

/// A page that did not change keeps its rendered and compressed forms.
void Slot::keep_samples(Run& run) {
  if (run.keeps_last && snapshot_) {
    count_samples(run.status, snapshot_->samples());
  } else if (!snapshot_ || !snapshot_->samples().same_page(run.snapshot->samples())) {
    snapshot_ = std::move(run.snapshot);
  }
}

/// A failure is logged once, and again only when its text changes.
void Slot::note_change(const Run& run, bool counts, Notices& notices) {
  const auto& error = run.status.error;
  const bool news = error != logged_error_;
  if (!error.empty() && (counts || news)) {
    notices.push_back({Notice::Kind::failed, &collector_, run.status.reason, counts,
                       news ? error : std::string()});
  } else if (error.empty() && news) {
    notices.push_back({Notice::Kind::recovered, &collector_});
  }
  logged_error_ = error;
  if (!run.malformed_row.empty() && run.malformed_row != logged_malformed_row_) {
    notices.push_back(
        {.kind = Notice::Kind::malformed_row, .collector = &collector_, .text = run.malformed_row});
  }
  logged_malformed_row_ = run.malformed_row;
  if (run.duplicate.empty() || run.duplicate == logged_duplicate_) return;
  notices.push_back(
      {.kind = Notice::Kind::duplicate, .collector = &collector_, .text = run.duplicate});
  logged_duplicate_ = run.duplicate;
}

Slot::Shown Slot::shown() const {
  if (!in_background() || status_->outcome == Status::Outcome::never_ran) return {};
  return {snapshot_, status_, good_until_, logged_error_, history_};
}

void Slot::inherit(const Shown& shown) {
  const bool has_run = status_->outcome != Status::Outcome::never_ran;
  if (snapshot_ || !in_background() || !shown.status) return;
  snapshot_ = shown.snapshot;
  good_until_ = shown.good_until;
  if (has_run) {  // and failed
    Status failed = *status_;
    failed.last_success_unix = shown.status->last_success_unix;
    status_ = std::make_shared<const Status>(std::move(failed));
    return;
  }
  status_ = shown.status;
  logged_error_ = shown.logged_error;
  history_ = shown.history;
}

std::shared_ptr<const Snapshot> Slot::snapshot(Clock::time_point now) const {
  return now <= good_until_ ? snapshot_ : nullptr;
}

std::shared_ptr<const Status> Slot::late_status(Clock::time_point now) const {
  if (given_up_) return status_;
  const auto so_far = running_ ? now - started_ : Clock::duration::zero();
  return std::make_shared<const Status>(overdue(*status_, kLate, so_far));
}

}  // namespace exporter
