#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/metric.h"

namespace exporter {

/// Moves the counts of an older declaration of a metric to a newer one: true and shown values, and
/// the events that may still be corrected. Applied once, by the first run on a file that does not
/// have it.
struct Migration {
  std::string name;                     ///< unique within the ledger, never reused
  MetricView from, to;                  ///< both counters or both histograms
  std::span<const double> bounds = {};  ///< of a histogram; cannot be changed
  /// The new label values, given the old ones; unset: the same. Series that become the same are
  /// added up.
  std::function<std::vector<std::string>(std::span<const std::string_view> labels)> labels = {};
  /// The new id of an event, given its old one and the old labels; unset: the same.
  std::function<std::string(std::string_view id, std::span<const std::string_view> labels)> id = {};
};

}  // namespace exporter
