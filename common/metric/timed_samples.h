#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

/// The samples of many times, as one OpenMetrics text with timestamps for `promtool tsdb
/// create-blocks-from openmetrics`. It is written in parts, each a complete text.
class TimedSamples {
 public:
  using Time = std::chrono::sys_seconds;

  /// Labels added to each series, as a scrape would.
  explicit TimedSamples(std::span<const Label> labels = {});

  /// Adds the samples with the time `when`. The times of a series must ascend. A new counter or
  /// histogram was 0 at `before`, because increase() ignores the first value of a series.
  void add(Samples samples, Time when, Time before);

  /// Adds that the counters and histograms in these samples start again at 0 at `when`.
  void add_reset(Samples samples, Time when);

  /// Lines since the last write().
  std::size_t size() const { return size_; }

  /// Writes everything added since the last write, family by family and series by series, in
  /// pieces; nothing if nothing was added.
  void write(const std::function<void(std::string_view)>& sink);

 private:
  /// A series, or the lines of a histogram: the parts of each line before the value, and the
  /// points.
  struct Series {
    std::vector<std::string> lines;
    std::vector<Time> times;
    std::vector<double> values;  ///< of each line, at each time
  };
  struct Family {
    MetricType type = MetricType::untyped;
    std::string help;
    std::vector<Series> series;                           ///< in order of their first sample
    std::unordered_map<std::string, std::size_t> places;  ///< by the first line
  };

  void take(const Samples::FamilyLines& lines, Time when, Time before, bool resets);

  std::string with_labels(std::string_view series) const;

  std::string labels_;  ///< `job="snowflake",`
  std::map<std::string, Family, std::less<>> families_;
  std::size_t size_ = 0;
};

}  // namespace exporter
