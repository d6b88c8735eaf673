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

/// What identifies a series of a histogram: its family and the values of its labels.
using HistogramSeries = std::pair<std::string_view, std::vector<std::string>>;

/// Of each bucket of each histogram one observation that fell into it last. In memory: after a
/// restart a bucket has none until the next one falls into it.
class Exemplars {
 public:
  /// One for each bucket, empty where there is none; nothing for an unknown series.
  std::span<const std::string> of(const MetricView& histogram,
                                  std::span<const std::string_view> labels) const;

 private:
  friend class Observations;
  std::map<HistogramSeries, std::vector<std::string>> by_series_;
};

/// Observations of histograms, added up by series until they are reported together: a ledger then
/// keeps one event of a series and run of a collector, not one of each observation. Whoever adds
/// one knows that it is the first of its kind (Ledger::Run::is_new).
class Observations {
 public:
  /// `when` is that of the event that is observed, `exemplar` the labels that lead to it. The
  /// metric and its bounds outlive this.
  void add(const MetricView& histogram, std::span<const double> bounds, double value,
           Ledger::Time when, std::vector<std::string> labels, std::span<const Label> exemplar);

  /// Reports them all, under ids that hold the number, which no other report to this ledger has.
  void report(Ledger::Run& run, std::uint64_t number) const;

  /// Takes over what leads to them, once they are committed.
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
