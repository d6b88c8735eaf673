#include "exporters/airflow/observations.h"

#include <algorithm>

namespace exporter::airflow {

void Observations::add(const MetricView& histogram, std::span<const double> bounds, double value,
                       Ledger::Time when, std::vector<std::string> labels) {
  auto& sum = sums_
                  .try_emplace(Key{histogram.name, std::move(labels)},
                               Sum{histogram, bounds, std::vector<std::uint64_t>(bounds.size() + 1),
                                   0, when})
                  .first->second;
  const auto bucket = std::ranges::lower_bound(bounds, value) - bounds.begin();
  ++sum.counts[static_cast<std::size_t>(bucket)];
  sum.sum += value;
  sum.newest = std::max(sum.newest, when);
}

void Observations::report(Ledger::Run& run, std::uint64_t number) const {
  std::size_t series = 0;
  for (const auto& [key, sum] : sums_) {
    const auto id = std::to_string(number) + '/' + std::to_string(series++);
    const std::vector<std::string_view> labels(key.labels.begin(), key.labels.end());
    run.observe_counts(sum.histogram, sum.bounds, {id, sum.newest}, sum.counts, sum.sum, labels);
  }
}

}  // namespace exporter::airflow
