#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/collect/collector.h"
#include "common/collect/history.h"
#include "common/collect/schedule.h"
#include "common/metric/snapshot.h"

namespace exporter {

/// The result of a collector's last run.
struct Status {
  enum class Outcome { never_ran, success, failure };

  Outcome outcome = Outcome::never_ran;
  Reason reason = Reason::internal;  ///< of a failure
  std::string error;                 ///< of a failure; holds no secret
  std::string note;                  ///< the note of a successful run
  double duration_seconds = 0;
  double last_success_unix = 0;  ///< seconds since 1970; 0 before the first success
  std::size_t samples = 0, duplicates = 0, dropped = 0;
};

/// An event of a collector to be counted and logged after all locks are released.
struct Notice {
  enum class Kind { failed, recovered, duplicate, malformed_row };

  Kind kind;
  const Collector* collector;
  Reason reason = Reason::internal;  ///< of a failure
  bool counts = false;               ///< of a failure: whether to count it
  std::string text = {};  ///< the error to log, or the duplicate series; empty: nothing to log
};
using Notices = std::vector<Notice>;

/// Logs it if it has a text.
void log_notice(const Notice& notice);

/// The result of one run, before it is published.
struct RunResult {
  std::shared_ptr<const Snapshot> snapshot;  ///< null when it threw
  Status status;
  std::string duplicate, malformed_row;
  std::uint64_t requests = 0;
  bool keeps_last = false;
  std::optional<Clock::time_point> not_before;
};

/// Runs the collector on this thread. The label `source_label` of its samples must be its source.
RunResult run_collector(const Collector& collector, std::string_view source_label,
                        const std::stop_token& stop);

/// The failed run of a collector that did not run, because too many others of its source hang.
RunResult refused_run(const Collector& collector);

/// The state of one collector in the Runner: whether it runs, when it runs next, the results of its
/// runs. Not thread-safe.
class Slot {
 public:
  Slot(Collector collector, Clock::time_point first_due);

  const Collector& collector() const { return collector_; }
  bool in_background() const { return every() != nullptr; }

  /// Requests a run that starts after this call; finished() reaches the returned number with it.
  std::uint64_t want() { return ++wanted_; }
  std::uint64_t finished() const { return finished_; }

  bool is_running() const { return running_; }
  /// Whether a run is requested or due, and none is in progress.
  bool is_ready(Clock::time_point now) const;
  /// When the run became ready, or will be; in the past if a scrape waits for it.
  Clock::time_point due() const;

  void start(Clock::time_point now);
  void finish(RunResult result, Clock::time_point now, Notices& notices);

  /// When the current run is to be given up; the end of time if there is none or it was given up.
  Clock::time_point overdue_at() const;
  /// Gives it up: it counts as failed until it finishes.
  void give_up(Clock::time_point now, Notices& notices);
  bool is_given_up() const { return given_up_; }

  /// Good samples that are not too old; null after a failed run on scrape.
  std::shared_ptr<const Snapshot> snapshot(Clock::time_point now) const;
  const std::shared_ptr<const Status>& status() const { return status_; }
  /// The status for a scrape that could not wait for the run to finish.
  std::shared_ptr<const Status> late_status(Clock::time_point now) const;
  const History& history() const { return history_; }

  /// The state that a reload keeps; empty if it has not run or does not run in the background.
  struct Shown {
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const Status> status;
    Clock::time_point good_at;  ///< when the run ended that left the samples
    std::string logged_error;
    History history;
  };
  Shown shown() const;
  /// Takes over that state, unless it has samples of its own; a failed first run does not replace
  /// it. The samples are kept as long as this collector's own.
  void inherit(const Shown& shown);

 private:
  const Every* every() const { return std::get_if<Every>(&collector_.schedule); }
  void note_good(Clock::time_point at);
  void keep_samples(RunResult& result);
  void note_change(const RunResult& result, bool counts, Notices& notices);

  Collector collector_;
  std::uint64_t wanted_ = 0, fulfils_ = 0, finished_ = 0;
  bool running_ = false, given_up_ = false;
  Clock::time_point started_, due_;
  Clock::time_point good_at_, good_until_ = Clock::time_point::max();
  int failures_ = 0;
  std::string logged_error_, logged_duplicate_, logged_malformed_row_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Status> status_ = std::make_shared<const Status>();
  History history_;
};

}  // namespace exporter
