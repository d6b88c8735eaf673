#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/deadline.h"
#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

/// Runs when a scrape asks; concurrent scrapes share one run. For what is local and fast.
struct OnScrape {
  /// Says what is known already: reads nothing, and takes no lock that is held for long. It runs in
  /// the thread of the scrape, and nothing is said of how long it took or when.
  bool waits_for_nothing = false;
};

/// Runs in the background. After a failure the last good samples stay for `keep_stale_for`, and
/// each further run is twice as late, up to `longest_pause`.
struct Every {
  Clock::duration interval;
  Clock::duration keep_stale_for;
  Clock::duration longest_pause = {};  ///< after failures; zero: eight intervals
  /// Runs start at whole multiples of the cycle, at the same instants for all collectors of a
  /// source, and the interval is rounded up to whole cycles: a warehouse that bills each resumption
  /// is resumed once for all that is due. Zero: no cycle.
  Clock::duration cycle = {};
  /// Of one that runs to see whether it is time to ask, as the source bills that: how often it asks
  /// at the most. Zero: in each run.
  Clock::duration asks = {};
};

using Schedule = std::variant<OnScrape, Every>;

/// Fills in the samples of one run. Throws Error; all of its samples appear or none.
using CollectFunction = std::function<void(Samples&, const Deadline&)>;

/// One unit of collection and of failure: what one collector reads of one source.
struct Collector {
  std::string name;
  /// The name of the source; empty where an exporter has one, without a name. Collectors of equal
  /// name, each of another source, have the same metrics and stand on the page as one.
  std::string source = {};
  Schedule schedule = OnScrape{};
  Clock::duration timeout = std::chrono::seconds(10);  ///< the deadline of one run
  std::vector<MetricView> metrics = {};                ///< for --metrics.list and the clash check
  CollectFunction collect = {};
  /// The most collectors of this source that run at once; those that are due longest run first. As
  /// many may hang besides, of which the Runner has given up the runs; with more of them those that
  /// are due fail. Zero: it runs when it is due, and is not one of these.
  std::size_t at_once = 0;
  /// Whether its success says that the source can be read: not where it shows what is known, or
  /// asks the source in few of its runs.
  bool says_up = true;

  bool waits_for_nothing() const {
    const auto* on_scrape = std::get_if<OnScrape>(&schedule);
    return on_scrape != nullptr && on_scrape->waits_for_nothing;
  }
};

}  // namespace exporter
