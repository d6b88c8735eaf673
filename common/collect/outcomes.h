#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/collect/runner.h"
#include "common/metric/samples.h"

namespace exporter {

/// What a page says of the collectors themselves: exporter_collector_*, where a source is the label
/// `source`, and whether each source is up.
class Outcomes {
 public:
  struct Options {
    /// The label that names a source in the exporter's own families; empty where it has one source,
    /// without a name.
    std::string_view source_label = {};
    /// The family that says whether a source is up, e.g. "dbt_up", by that label.
    std::string up_name = {};
    /// Whether a failure for this reason means that the source could not be used at all. A source
    /// that refused one query is up.
    bool (*means_down)(Reason) = [](Reason reason) { return reason != Reason::query; };
    /// A second pair of names for a collector's success and duration, as node_exporter's
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
    std::size_t clashing;  ///< samples that were left out because another collector has their name
    bool operator==(const Shown&) const = default;
  };
  /// Adds what seldom changes from scrape to scrape, and what mostly does.
  void add_outcomes(Samples& samples, std::span<const Shown> collectors) const;
  void add_times(Samples& samples, std::span<const Shown> collectors) const;

  /// Adds one sample for each source of these collectors, which are all of their sources: 1 when
  /// the last run of one of those that run most often succeeded, 0 when all of them failed in a
  /// way that means down; nothing before one of them has run.
  void add_up(Samples& samples, std::span<const Shown> collectors) const;

 private:
  const Options options_;
  const MetricView up_;
};

}  // namespace exporter
