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

/// What pages showed at many times, as one OpenMetrics text with timestamps: what `promtool tsdb
/// create-blocks-from openmetrics` reads. It is written in pieces, each a whole text.
class TimedSamples {
 public:
  using Time = std::chrono::sys_seconds;

  /// Each series has these labels, too: those that a scrape adds.
  explicit TimedSamples(std::span<const Label> labels = {});

  /// Takes the samples as those of `when`. The times of a series ascend. A counter or histogram
  /// that is new was 0 at `before`: increase() does not see the first value of a series.
  void add(Samples samples, Time when, Time before);

  /// Says that what counts in these samples starts again at 0 at `when`.
  void add_reset(Samples samples, Time when);

  /// Lines since the last write().
  std::size_t size() const { return size_; }

  /// Hands over the text of what was added since the last write, family by family and series by
  /// series, in pieces; nothing where nothing was.
  void write(const std::function<void(std::string_view)>& sink);

 private:
  /// A series, or the lines of a histogram: the parts of a line before its value, and the points.
  struct Series {
    std::vector<std::string> lines;
    std::vector<Time> times;
    std::vector<double> values;  ///< of each line at each time
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
