#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/collect/runner.h"
#include "common/metric/samples.h"

namespace exporter {

/// The families about the collectors themselves: exporter_collector_*, with the source in the label
/// `source`, and whether each source is up.
class Outcomes {
 public:
  struct Options {
    /// The label that names a source in the exporter's own families; empty if it has a single,
    /// unnamed source.
    std::string_view source_label = {};
    /// The family with that label that reports whether a source is up, e.g. "dbt_up".
    std::string up_name = {};
    /// Whether a failure for this reason means that the source is down. A source that rejects one
    /// query is up.
    bool (*means_down)(Reason) = [](Reason reason) { return reason != Reason::query; };
    /// Additional names for a collector's success and duration, as node_exporter's
    /// `node_scrape_collector_*`.
    bool node_exporter_names = false;
  };
  explicit Outcomes(const Options& options);
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  /// The families, borrowed.
  std::vector<MetricView> metrics() const;

  struct Shown {
    const Collector* collector;
    const Status* status;
    std::size_t clashing;  ///< samples left out because another collector uses their name
    bool operator==(const Shown&) const = default;
  };
  /// Adds the families that rarely change from scrape to scrape, and those that mostly do.
  void add_outcomes(Samples& samples, std::span<const Shown> collectors) const;
  void add_times(Samples& samples, std::span<const Shown> collectors) const;

  /// Adds one sample for each source of these collectors, which must include all of its collectors:
  /// 1 if the last run of one of the most frequent ones succeeded, 0 if all of them failed for a
  /// reason that means down; nothing before one of them has run.
  void add_up(Samples& samples, std::span<const Shown> collectors) const;

 private:
  const Options options_;
  const MetricView up_;
};

}  // namespace exporter
