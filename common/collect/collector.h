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

/// Runs when scraped; concurrent scrapes share one run. For local, fast data.
struct OnScrape {
  /// For collectors that only report known values: they read nothing and hold no lock for long.
  /// They run in the thread of the scrape, and the page has neither their duration nor their time.
  bool waits_for_nothing = false;
};

/// Runs in the background. After a failure the last good samples stay for `keep_stale_for`, and the
/// delay doubles with each failure, up to `longest_pause`.
struct Every {
  Clock::duration interval;
  Clock::duration keep_stale_for;
  Clock::duration longest_pause = {};  ///< after failures; zero: eight intervals
  /// Runs start at whole multiples of the cycle, at the same instants for all collectors of a
  /// source, and the interval is rounded up to whole cycles: a warehouse that bills each resumption
  /// is resumed once for all collectors that are due. Zero: no cycle.
  Clock::duration cycle = {};
  /// For a collector that runs often to see whether a paid query is due: its shortest interval
  /// between queries. Zero: each run queries.
  Clock::duration asks = {};
};

using Schedule = std::variant<OnScrape, Every>;

/// Fills in the samples of one run. Throws Error; either all of its samples appear or none.
using CollectFunction = std::function<void(Samples&, const Deadline&)>;

/// The unit of collection and of failure: one collector of one source.
struct Collector {
  std::string name;
  /// The name of the source; empty if the exporter has a single, unnamed one. Collectors with the
  /// same name, each of another source, have the same metrics and are one on the page.
  std::string source = {};
  Schedule schedule = OnScrape{};
  Clock::duration timeout = std::chrono::seconds(10);  ///< the deadline of one run
  std::vector<MetricView> metrics = {};                ///< for --metrics.list and the clash check
  CollectFunction collect = {};
  /// The maximum number of collectors of this source that run at once; those that are due longest
  /// run first. As many again may hang after the Runner gave up their runs; if more do, collectors
  /// that are due fail without running. Zero: it runs when it is due and does not count.
  std::size_t at_once = 0;
  /// Whether its success means that the source can be read: not if it reports known values, or
  /// queries the source in only a few of its runs.
  bool says_up = true;

  bool waits_for_nothing() const {
    const auto* on_scrape = std::get_if<OnScrape>(&schedule);
    return on_scrape != nullptr && on_scrape->waits_for_nothing;
  }
};

}  // namespace exporter
