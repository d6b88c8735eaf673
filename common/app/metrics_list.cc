#include "common/app/metrics_list.h"

#include <algorithm>

#include "common/app/collectors.h"
#include "common/app/self_metrics.h"

namespace exporter {
namespace {

std::string_view type_name(MetricType type) {
  switch (type) {
    case MetricType::counter: return "counter";
    case MetricType::gauge: return "gauge";
    case MetricType::info: return "info";
    case MetricType::histogram: return "histogram";
    case MetricType::summary: return "summary";
    case MetricType::untyped: break;
  }
  return "untyped";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '<' || c == '>') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

void append_table(std::string& out, std::vector<MetricView> metrics) {
  std::sort(metrics.begin(), metrics.end(),
            [](const MetricView& a, const MetricView& b) { return a.name < b.name; });
  out += "| metric | type | labels | meaning |\n| --- | --- | --- | --- |\n";
  for (const auto& metric : metrics) {
    out.append("| `").append(metric.name).append("` | ").append(type_name(metric.type));
    out += " | ";
    for (const auto label : metric.labels) {
      out.append(label == metric.labels.front() ? "" : ", ").append(label);
    }
    out.append(" | ").append(escaped(metric.help)).append(" |\n");
  }
}

}  // namespace

std::string metrics_list(const App& app) {
  std::string out = "# Metrics of " + std::string(app.name) + "\n\nMade by `" +
                    std::string(app.name) + " --metrics.list`. A `<word>` in a name stands for " +
                    "what the source calls it.\n";
  for (const auto& collector : collectors_of(app)) {
    out.append("\n## ").append(collector.name);
    out += collector.enabled ? "\n\n" : " (off by default)\n\n";
    append_table(out, collector.metrics);
  }
  for (const auto& collector : app.described) {
    out.append("\n## ").append(collector.name).append(" (with `").append(collector.key);
    out += "` in the configuration file)\n\n";
    append_table(out, collector.metrics);
  }
  out += "\n## The exporter itself\n\n";
  const Outcomes outcomes(outcomes_of(app));
  auto own = outcomes.metrics();
  const SelfMetrics self(app);
  const auto more = self.metrics();
  own.insert(own.end(), more.begin(), more.end());
  append_table(out, std::move(own));
  return out;
}

}  // namespace exporter
