#include "common/ledger/book.h"

#include "common/base/text.h"
#include "common/metric/samples.h"

namespace exporter::ledger {

void append_family_key(std::string& out, const MetricView& metric, std::span<const double> bounds) {
  out += metric.name;
  char separator = '{';
  for (const auto label : metric.labels) {
    out += separator;
    out += label;
    separator = ',';
  }
  if (separator == ',') out += '}';
  for (const double bound : bounds) {
    out += ' ';
    append_value(out, bound);
  }
  out += kEndOfLabel;
}

void append_series_key(std::string& out, const MetricView& metric, std::span<const double> bounds,
                       std::span<const std::string_view> labels) {
  append_family_key(out, metric, bounds);
  for (const auto label : labels) {
    append_utf8(out, label);
    out += kEndOfLabel;
  }
}

}  // namespace exporter::ledger
