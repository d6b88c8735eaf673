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
struct OnScrape {};

/// Runs in the background. After a failure the last good samples stay for `keep_stale_for`, and the
/// next run comes later and later, up to eight intervals.
struct Every {
  Clock::duration interval;
  Clock::duration keep_stale_for;
};

using Schedule = std::variant<OnScrape, Every>;

/// Fills in the samples of one run. Throws Error; all of its samples appear or none.
using CollectFunction = std::function<void(Samples&, const Deadline&)>;

/// One unit of collection and of failure.
struct Collector {
  std::string name;
  Schedule schedule = OnScrape{};
  Clock::duration timeout = std::chrono::seconds(10);  ///< the deadline of one run
  std::vector<MetricView> metrics;                     ///< for --metrics.list and the clash check
  CollectFunction collect;
  /// Collectors of one group have the same metrics, each of another source, and stand on the page
  /// as one; empty for one that stands alone. `collect[]` takes a group's name for all of it.
  std::string group = {};
};

}  // namespace exporter
