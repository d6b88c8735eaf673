#include "exporters/airflow/observations.h"

#include <algorithm>

namespace exporter::airflow {

void Observations::add(const MetricView& histogram, std::span<const double> bounds, double value,
                       Ledger::Time when, std::vector<std::string> labels,
                       std::span<const Label> exemplar_labels) {
  const auto buckets = bounds.size() + 1;
  auto& sum = sums_
                  .try_emplace(HistogramSeries{histogram.name, std::move(labels)},
                               Sum{histogram, bounds, std::vector<std::uint64_t>(buckets),
                                   std::vector<std::string>(buckets), 0, when})
                  .first->second;
  const auto bucket =
      static_cast<std::size_t>(std::ranges::lower_bound(bounds, value) - bounds.begin());
  ++sum.counts[bucket];
  auto leads_to = exemplar(exemplar_labels, value, when);
  if (!leads_to.empty()) sum.exemplars[bucket] = std::move(leads_to);
  sum.sum += value;
  sum.newest = std::max(sum.newest, when);
}

void Observations::report(Ledger::Run& run, std::uint64_t number) const {
  std::size_t series = 0;
  for (const auto& [key, sum] : sums_) {
    const auto id = std::to_string(number) + '/' + std::to_string(series++);
    const std::vector<std::string_view> labels(key.second.begin(), key.second.end());
    run.observe_counts(sum.histogram, sum.bounds, {id, sum.newest}, sum.counts, sum.sum, labels);
  }
}

void Observations::move_exemplars_to(Exemplars& exemplars) {
  for (auto& [series, sum] : sums_) {
    auto& known = exemplars.by_series_[series];
    known.resize(sum.exemplars.size());
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (!sum.exemplars[i].empty()) known[i] = std::move(sum.exemplars[i]);
    }
  }
}

std::span<const std::string> Exemplars::of(const MetricView& histogram,
                                           std::span<const std::string_view> labels) const {
  const auto found =
      by_series_.find({histogram.name, std::vector<std::string>(labels.begin(), labels.end())});
  return found == by_series_.end() ? std::span<const std::string>() : found->second;
}

}  // namespace exporter::airflow
