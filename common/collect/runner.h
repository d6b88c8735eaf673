#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/collect/collector.h"
#include "common/metric/snapshot.h"

namespace exporter {

/// How a collector's last run went.
struct Status {
  enum class Outcome { never_ran, success, failure };

  Outcome outcome = Outcome::never_ran;
  Reason reason = Reason::internal;  ///< of a failure
  std::string error;                 ///< of a failure; holds no secret
  double duration_seconds = 0;
  double last_success_unix = 0;  ///< seconds since 1970; 0 before the first success
  std::size_t samples = 0, duplicates = 0, dropped = 0;
};

/// Runs collectors, each never twice at once, on few threads: one does all the work as long as none
/// takes long; while one is busy, others take over what waits. A collector that hangs keeps its
/// thread and nothing else.
class Runner {
 public:
  /// `count_failure` is called once for each failed run, from any thread.
  using CountFailure = std::function<void(const std::string& collector, Reason reason)>;

  Runner(std::vector<Collector> collectors, CountFailure count_failure);
  /// Asks running collectors to stop and waits for them for a second; one that hangs is left behind
  /// with what it holds.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  std::size_t size() const;
  const Collector& collector(std::size_t index) const;

  /// What a scrape may show of one collector: no snapshot when the last run failed (on scrape),
  /// when the last good one is too old (in the background), or when there was none.
  struct View {
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const Status> status;
  };

  enum class Which { on_scrape, all };
  /// Asks the collectors `wanted` that run on scrape (or all of them) to run, waits until each has
  /// finished a run that began after this call, at most `until`, and returns their views in that
  /// order. One that is not ready by then has no snapshot and a Status{timeout}.
  std::vector<View> collect(std::span<const std::size_t> wanted, Clock::time_point until,
                            Which which = Which::on_scrape);

  /// The views as they are, without asking anybody to run.
  std::vector<View> views() const;

  /// Whether every background collector has finished its first run, well or not.
  bool ready() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace exporter
