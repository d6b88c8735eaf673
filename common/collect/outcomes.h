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

  /// What a page says about a collector: nothing about its last run before the first one.
  struct Shown {
    /// What rarely changes from run to run, and what mostly does.
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
  /// `clashing` samples were left out because another collector uses their name.
  static Shown shown(const Collector& collector, const Status& status, std::size_t clashing);

  void add_outcomes(Samples& samples, std::span<const Shown> collectors) const;
  void add_times(Samples& samples, std::span<const Shown> collectors) const;

  /// A source, and the indices of its most frequent collectors among those that show whether it is
  /// up.
  struct Source {
    std::string_view name;
    std::vector<std::size_t> collectors;
  };
  /// The sources of the collectors, ordered by name; the names are borrowed.
  static std::vector<Source> sources(std::span<const Collector* const> collectors);

  /// True if the last run of one of these collectors succeeded, false if all of them failed for a
  /// reason that means down; nothing before one of them has run. `statuses` are those of all
  /// collectors.
  std::optional<bool> is_up(const Source& source, std::span<const Status* const> statuses) const;
  void add_up(Samples& samples, std::string_view source, bool is_up) const;

 private:
  const Options options_;
  const MetricView up_;
};

}  // namespace exporter
