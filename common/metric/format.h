#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/metric/metric.h"

namespace exporter {

/// The exposition formats: Prometheus text 0.0.4 and OpenMetrics 1.0.
enum class Format : std::uint8_t { text, openmetrics };

struct Label {
  std::string_view name, value;
};

/// Appends a family's HELP and TYPE lines.
void append_header(std::string& out, MetricType type, std::string_view name, std::string_view help,
                   Format format);

/// Appends the value as both formats write it: the shortest text that parses to the same double,
/// `NaN`, `+Inf` or `-Inf`.
void append_value(std::string& out, double value);

/// Appends a bucket's bound in OpenMetrics' canonical form: as Go's %g, with ".0" if it would look
/// like an integer (OpenMetrics 1.0, "Considerations: Canonical Numbers").
void append_bound(std::string& out, double bound);

/// Appends a label's value: `\`, `"` and newline escaped, invalid UTF-8 replaced.
void append_label_value(std::string& out, std::string_view value);

/// An exemplar as OpenMetrics appends it to the line of a bucket (1.0, "Exemplars"). Empty if the
/// names and values of its labels exceed the allowed 128 characters; bytes count as characters.
std::string exemplar(std::span<const Label> labels, double value,
                     std::chrono::sys_time<std::chrono::microseconds> when);

}  // namespace exporter
