#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "common/base/error.h"
#include "common/collect/collector.h"
#include "common/collect/slot.h"
#include "common/metric/snapshot.h"

namespace exporter {

/// Runs collectors on few threads, each collector at most once at a time. One thread does all the
/// work while no run takes long; while it is busy, others take over. A hung collector keeps only
/// its thread: after its timeout it has failed, and another of its source may run in its place, see
/// Collector::at_once.
class Runner {
 public:
  /// Called once for each failed run, from any thread.
  using CountFailure = std::function<void(const Collector& collector, Reason reason)>;

  struct Options {
    std::string source_label =
        {};  ///< the label that all samples of a collector with a source have
    CountFailure count_failure = {};
  };

  Runner(std::vector<Collector> collectors, Options options);
  /// Asks running collectors to stop and waits for them for a second; a hung one is abandoned with
  /// everything that it holds.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Shows what `old` shows of background collectors with the same name and source, until a run
  /// here has brought samples or those are too old, so that a slow or unavailable source does not
  /// vanish on a reload. Leaves out families of a collector here that `leave_out` names.
  using LeaveOut = std::function<std::set<std::string, std::less<>>(const Collector& collector,
                                                                    const Snapshot& shown)>;
  void inherit(const Runner& old, const LeaveOut& leave_out = {});

  std::size_t size() const;
  const Collector& collector(std::size_t index) const;

  /// What a scrape may show of one collector. No snapshot if the last run failed (on scrape), if
  /// the last good one is too old (in the background), or if there was none.
  struct View {
    std::shared_ptr<const Snapshot> snapshot;
    std::shared_ptr<const Status> status;
  };

  enum class Which { on_scrape, all };
  /// Asks the collectors `wanted` that run on scrape (or all of them) to run, waits until each has
  /// finished a run that started after this call or is overdue, at most until `until`, and returns
  /// their views in that order. A collector that is not ready by then has no snapshot and a
  /// Status{timeout}, in these views only.
  std::vector<View> collect(std::span<const std::size_t> wanted, Clock::time_point until,
                            Which which = Which::on_scrape);

  /// The current views, without asking any collector to run.
  std::vector<View> views() const;
  /// The last runs of each collector, the newest first.
  std::vector<std::vector<RunRecord>> histories() const;

  /// Whether every background collector has finished a run, successful or not, here or where the
  /// samples that it shows come from.
  bool ready() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace exporter
