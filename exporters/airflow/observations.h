#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/metric/format.h"

namespace exporter::airflow {

/// Identifies a series of a histogram: its family and the values of its labels.
using HistogramSeries = std::pair<std::string_view, std::vector<std::string>>;

/// The last observation in each bucket of each histogram. In memory: after a restart a bucket has
/// none until its next observation.
class Exemplars {
 public:
  /// One for each bucket, empty if there is none; no elements for an unknown series.
  std::span<const std::string> of(const MetricView& histogram,
                                  std::span<const std::string_view> labels) const;

 private:
  friend class Observations;
  std::map<HistogramSeries, std::vector<std::string>> by_series_;
};

/// Observations of histograms, added up per series until they are reported together: a ledger then
/// keeps one event per series and run of a collector, not one per observation. The caller makes
/// sure that each observation is new (Ledger::Run::is_new).
class Observations {
 public:
  /// `when` is the time of the observed event, `exemplar` the labels that lead to it. The metric
  /// and its bounds must outlive this.
  void add(const MetricView& histogram, std::span<const double> bounds, double value,
           Ledger::Time when, std::vector<std::string> labels, std::span<const Label> exemplar);

  /// Reports them all, under ids that include `number`, which must be unique in this ledger.
  void report(Ledger::Run& run, std::uint64_t number) const;

  /// Moves their exemplars there, after the commit.
  void move_exemplars_to(Exemplars& exemplars);

  bool empty() const { return sums_.empty(); }

 private:
  struct Sum {
    MetricView histogram;
    std::span<const double> bounds;
    std::vector<std::uint64_t> counts;
    std::vector<std::string> exemplars;
    double sum = 0;
    Ledger::Time newest;
  };
  std::map<HistogramSeries, Sum> sums_;
};

}  // namespace exporter::airflow
