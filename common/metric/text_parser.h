#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

/// A series of a parsed text. A histogram has buckets (bound, cumulative count) that end in +Inf, a
/// summary has quantiles (quantile, value), both ascending; all others have a value alone.
struct TextSeries {
  struct Point {
    double at, value;
  };
  std::vector<Label> labels;  ///< by name; none is empty
  double value = 0;
  std::optional<double> sum = {},
                        count = {};  ///< of a histogram or summary; a histogram has a count
  std::vector<Point> points;
};

struct TextFamily {
  MetricType type;
  std::string_view name;
  std::optional<std::string_view> help;
  std::vector<TextSeries> series;  ///< at least one
};

/// A text in Prometheus' format 0.0.4, taken apart. It borrows from the text.
struct ParsedText {
  std::vector<TextFamily> families;
  std::deque<std::string> unescaped;  ///< what of the text could not be borrowed
};

/// Parses a text strictly: whole lines of valid UTF-8, valid names, at most kMaxNamedLabels - 1
/// labels, one help and one type of a family, the type before its samples, no timestamps, each
/// bucket and quantile once, a last bucket or a count of each histogram. Other series that are
/// given twice are left in. Throws Error{decode}: "origin:line: what is
/// wrong".
ParsedText parse_text(std::string_view text, std::string_view origin);

/// Adds a series of a parsed text, with a help that need not be the text's. False when
/// something was left out: a value that Samples does not take, or a histogram whose buckets are not
/// cumulative counts up to its own, for which OpenMetrics has a reader refuse the page. It forbids
/// the sum of a histogram with a bound below 0 as well: that is not written.
bool add_series(Samples& samples, const TextFamily& family, std::string_view help,
                const TextSeries& series);

}  // namespace exporter
