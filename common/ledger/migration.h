#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/metric.h"

namespace exporter {

/// Moves what a ledger has counted under an older declaration of a metric to a newer one: values,
/// what is shown of them, and the events that may still be corrected. Applied once, by the first
/// run on a file that has not seen it.
struct Migration {
  std::string name;                     ///< unique among the ledger's, never used again
  MetricView from, to;                  ///< both counters or both histograms
  std::span<const double> bounds = {};  ///< of a histogram; it keeps them
  /// The values of the newer labels by those of the older ones; unset: the same ones. Series that
  /// become one are added up.
  std::function<std::vector<std::string>(std::span<const std::string_view> labels)> labels = {};
  /// The newer id of an event by its older one and the older labels; unset: the same one.
  std::function<std::string(std::string_view id, std::span<const std::string_view> labels)> id = {};
};

}  // namespace exporter
