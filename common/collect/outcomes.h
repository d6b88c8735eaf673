#pragma once

#include <cstddef>
#include <optional>
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

  /// What a page says of a collector; nothing of its last run before the first.
  struct Shown {
    /// What seldom changes from run to run, and what mostly does.
    struct Outcome {
      bool success;
      std::size_t samples, duplicates, dropped;
      bool operator==(const Outcome&) const = default;
    };
    struct Times {
      double duration, last_success;  ///< in seconds; since 1970, 0 before the first success
      bool operator==(const Times&) const = default;
    };
    const Collector* collector;
    std::optional<Outcome> outcome = {};
    std::optional<Times> times = {};
  };
  /// `clashing` samples were left out because another collector has their name.
  static Shown shown(const Collector& collector, const Status& status, std::size_t clashing);

  void add_outcomes(Samples& samples, std::span<const Shown> collectors) const;
  void add_times(Samples& samples, std::span<const Shown> collectors) const;

  /// A source, and by index those of its collectors that run most often of those that say whether
  /// it is up.
  struct Source {
    std::string_view name;
    std::vector<std::size_t> collectors;
  };
  /// All sources of the collectors, in the order of their names, which are borrowed.
  static std::vector<Source> sources(std::span<const Collector* const> collectors);

  /// Whether the last run of one of these collectors succeeded: not when all of them failed in a
  /// way that means down; nothing before one of them has run. `statuses` has one of each collector.
  std::optional<bool> is_up(const Source& source, std::span<const Status* const> statuses) const;
  void add_up(Samples& samples, std::string_view source, bool is_up) const;

 private:
  const Options options_;
  const MetricView up_;
};

}  // namespace exporter
