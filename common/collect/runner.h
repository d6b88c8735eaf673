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

/// Runs collectors, each never twice at once, on few threads: one does all the work as long as none
/// takes long; while one is busy, others take over what waits. A collector that hangs keeps its
/// thread and nothing else: once its timeout has passed it has failed, and its place among those of
/// its source that run at once is free, see Collector::at_once.
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
  /// Asks running collectors to stop and waits for them for a second; one that hangs is abandoned
  /// with what it holds.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Shows what `old` shows of collectors of the same name and source that run in the background,
  /// until a run here has brought samples or those are too old: a source that is slow or cannot be
  /// read does not vanish meanwhile. Families of a collector here that `leave_out` names are left
  /// out.
  using LeaveOut = std::function<std::set<std::string, std::less<>>(const Collector& collector,
                                                                    const Snapshot& shown)>;
  void inherit(const Runner& old, const LeaveOut& leave_out = {});

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
  /// finished a run that began after this call or is overdue, at most `until`, and returns their
  /// views in that order. One that is not ready by then has no snapshot and a Status{timeout} in
  /// these views, and in no others.
  std::vector<View> collect(std::span<const std::size_t> wanted, Clock::time_point until,
                            Which which = Which::on_scrape);

  /// The views as they are, without asking anybody to run.
  std::vector<View> views() const;
  /// The last runs of each collector, the newest first.
  std::vector<std::vector<RunRecord>> histories() const;

  /// Whether every background collector has finished a run, well or not, here or where what it
  /// shows comes from.
  bool ready() const;

 private:
  class State;
  std::shared_ptr<State> state_;
};

}  // namespace exporter
