#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

namespace exporter::airflow {

/// Observations of histograms, added up by series until they are reported together: a ledger then
/// keeps one event of a series and run of a collector, not one of each observation. Whoever adds
/// one knows that it is the first of its kind (Ledger::Run::is_new).
class Observations {
 public:
  /// `when` is that of the event that is observed. The metric and its bounds outlive this.
  void add(const MetricView& histogram, std::span<const double> bounds, double value,
           Ledger::Time when, std::vector<std::string> labels);

  /// Reports them all, under ids that hold the number, which no other report to this ledger has.
  void report(Ledger::Run& run, std::uint64_t number) const;

  bool empty() const { return sums_.empty(); }

 private:
  struct Key {
    std::string_view histogram;
    std::vector<std::string> labels;
    auto operator<=>(const Key&) const = default;
  };
  struct Sum {
    MetricView histogram;
    std::span<const double> bounds;
    std::vector<std::uint64_t> counts;
    double sum = 0;
    Ledger::Time newest;
  };
  std::map<Key, Sum> sums_;
};

}  // namespace exporter::airflow
