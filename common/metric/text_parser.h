#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

/// A series of a parsed text. A histogram has buckets (bound, cumulative count) ending in +Inf, a
/// summary has quantiles (quantile, value), both ascending; all other types have only a value.
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

/// A parsed text in Prometheus' format 0.0.4. It borrows from the text.
struct ParsedText {
  std::vector<TextFamily> families;
  std::deque<std::string> unescaped;  ///< owns the texts that could not be borrowed
};

/// Parses a text strictly: whole lines of valid UTF-8, valid names, at most kMaxNamedLabels - 1
/// labels, one help and one type per family, the type before its samples, no timestamps, each
/// bucket and quantile once, a last bucket or a count for each histogram. Other duplicate series
/// are kept. Throws Error{decode}: "origin:line: what is wrong".
ParsedText parse_text(std::string_view text, std::string_view origin);

/// Adds a series of a parsed text, with a help text that may be another one. False if something was
/// left out: a value that Samples does not accept, or a histogram whose buckets are not cumulative
/// counts up to its own, for which OpenMetrics parsers must reject the page. The sum of a histogram
/// with a negative bound is left out as well, because OpenMetrics forbids it.
bool add_series(Samples& samples, const TextFamily& family, std::string_view help,
                const TextSeries& series);

}  // namespace exporter
