#include "common/collect/slot.h"

#include <algorithm>

#include "common/base/log.h"
#include "common/base/time.h"

namespace exporter {
namespace {

/// How long a run may continue after its timeout before it is given up.
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

void set_failure(RunResult& result, const Error& error) {
  set_failure(result.status, error.reason(), error.what());
  result.not_before = error.not_before();
}

/// The status of a run that continues after its timeout.
Status overdue(Status status, const char* error, Clock::duration so_far) {
  set_failure(status, Reason::timeout, error);
  status.samples = status.duplicates = status.dropped = 0;
  status.duration_seconds = seconds(so_far);
  return status;
}

RunRecord record_of(const RunResult& result) {
  const auto& status = result.status;
  return {unix_now() - status.duration_seconds,
          status.duration_seconds,
          result.requests,
          status.samples,
          status.outcome == Status::Outcome::success,
          status.reason,
          status.error};
}

/// The note of a successful run.
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

RunResult refused_run(const Collector& collector) {
  RunResult result;
  set_failure(
      result.status, Reason::timeout,
      "not run: more than " + std::to_string(collector.at_once) + " collectors of its source hang");
  return result;
}

RunResult run_collector(const Collector& collector, std::string_view source_label,
                        const std::stop_token& stop) {
  RunResult result;
  const auto begin = Clock::now();
  const bool in_background = std::holds_alternative<Every>(collector.schedule);
  const auto requests = std::make_shared<Deadline::Tally>(0);
  try {
    Samples samples;
    if (!collector.source.empty()) samples.require({source_label, collector.source});
    collector.collect(samples,
                      Deadline::at(later(begin, collector.timeout), stop).counted_into(requests));
    result.status.outcome = Status::Outcome::success;
    if (samples.failure()) set_failure(result, *samples.failure());
    result.keeps_last = samples.keeps_last();
    count_samples(result.status, samples);
    result.duplicate = samples.first_duplicate();
    result.malformed_row = samples.first_malformed_row();
    result.status.note = note_of(samples);
    if (!collector.source.empty()) samples.group_by_family();
    result.snapshot = std::make_shared<const Snapshot>(
        std::move(samples), in_background ? kLevelBackground : kLevelOnScrape);
  } catch (const Error& error) {
    set_failure(result, error);
  } catch (...) {
    set_failure(result.status, Reason::internal, current_error());
  }
  result.requests = *requests;
  result.status.duration_seconds = seconds(Clock::now() - begin);
  return result;
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
  RunResult result;
  result.status = overdue(*status_, kGivenUp, now - started_);
  if (!in_background()) snapshot_ = nullptr;
  note_change(result, true, notices);
  history_.add(record_of(result));
  status_ = std::make_shared<const Status>(std::move(result.status));
}

void Slot::finish(RunResult result, Clock::time_point now, Notices& notices) {
  const bool good = result.status.outcome == Status::Outcome::success;
  running_ = false;
  finished_ = fulfils_;
  failures_ = good ? 0 : failures_ + 1;
  result.status.last_success_unix = good ? unix_now() : status_->last_success_unix;
  if (const auto* background = every()) {
    due_ = next_due(*background, {due_, now, failures_, result.not_before});
    if (result.snapshot) note_good(now);
  }
  if (result.snapshot) {
    keep_samples(result);
  } else if (!in_background()) {
    snapshot_ = nullptr;
  }
  // The timeout was already counted and logged.
  const bool known = given_up_ && result.status.reason == Reason::timeout;
  if (!good && known) result.status.error = kGivenUp;
  note_change(result, !good && !known, notices);
  given_up_ ? history_.replace_newest(record_of(result)) : history_.add(record_of(result));
  given_up_ = false;
  status_ = std::make_shared<const Status>(std::move(result.status));
}

void Slot::note_good(Clock::time_point at) {
  good_at_ = at;
  good_until_ = later(later(at, every()->interval), every()->keep_stale_for);
}

/// If the page did not change, keeps its rendered and compressed forms.
void Slot::keep_samples(RunResult& result) {
  if (result.keeps_last && snapshot_) {
    count_samples(result.status, snapshot_->samples());
  } else if (!snapshot_ || !snapshot_->samples().same_page(result.snapshot->samples())) {
    snapshot_ = std::move(result.snapshot);
  }
}

/// A failure is logged once, and again only when its text changes.
void Slot::note_change(const RunResult& result, bool counts, Notices& notices) {
  const auto& error = result.status.error;
  const bool news = error != logged_error_;
  if (!error.empty() && (counts || news)) {
    notices.push_back({Notice::Kind::failed, &collector_, result.status.reason, counts,
                       news ? error : std::string()});
  } else if (error.empty() && news) {
    notices.push_back({Notice::Kind::recovered, &collector_});
  }
  logged_error_ = error;
  if (!result.malformed_row.empty() && result.malformed_row != logged_malformed_row_) {
    notices.push_back({.kind = Notice::Kind::malformed_row,
                       .collector = &collector_,
                       .text = result.malformed_row});
  }
  logged_malformed_row_ = result.malformed_row;
  if (result.duplicate.empty() || result.duplicate == logged_duplicate_) return;
  notices.push_back(
      {.kind = Notice::Kind::duplicate, .collector = &collector_, .text = result.duplicate});
  logged_duplicate_ = result.duplicate;
}

Slot::Shown Slot::shown() const {
  if (!in_background() || status_->outcome == Status::Outcome::never_ran) return {};
  return {snapshot_, status_, good_at_, logged_error_, history_};
}

void Slot::inherit(const Shown& shown) {
  const bool has_run = status_->outcome != Status::Outcome::never_ran;
  if (snapshot_ || !in_background() || !shown.status) return;
  snapshot_ = shown.snapshot;
  note_good(shown.good_at);
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
