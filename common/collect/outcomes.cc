#include "common/collect/outcomes.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace exporter {
namespace {

constexpr auto kSuccess =
    gauge("exporter_collector_success", "Whether the collector's last run succeeded.", "collector",
          "source");
constexpr auto kDuration =
    gauge("exporter_collector_duration_seconds", "Duration of the collector's last run in seconds.",
          "collector", "source");
constexpr auto kLastSuccess = gauge(
    "exporter_collector_last_success_timestamp_seconds",
    "Time of the collector's last successful run, in seconds since 1970; absent before the first.",
    "collector", "source");
constexpr auto kInterval = gauge(
    "exporter_collector_interval_seconds",
    "Interval of the collector's background runs in seconds; absent if it runs on each scrape.",
    "collector", "source");
constexpr auto kSamples = gauge("exporter_collector_samples",
                                "Samples of the collector's last run.", "collector", "source");
constexpr auto kDuplicates =
    gauge("exporter_collector_duplicate_samples",
          "Samples of the collector's last run that were left out: duplicate series, and families "
          "whose name another collector uses.",
          "collector", "source");
constexpr auto kDropped = gauge("exporter_collector_dropped_series",
                                "Series that a cardinality limit kept out of the collector's last "
                                "run; objects, if the number of their series is unknown.",
                                "collector", "source");
constexpr auto kNodeDuration =
    gauge("node_scrape_collector_duration_seconds",
          "node_exporter: Duration of a collector scrape.", "collector", "source");
constexpr auto kNodeSuccess =
    gauge("node_scrape_collector_success", "node_exporter: Whether a collector succeeded.",
          "collector", "source");
constexpr std::string_view kUpHelp =
    "Whether the source can be read: 1 if the last run of one of its most frequent collectors "
    "succeeded, 0 if all of them failed.";

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

/// Without the label `source` if the source has no name.
MetricView view(const MetricView& metric, bool has_source) {
  return {metric.type, metric.name, metric.help, metric.labels.first(has_source ? 2 : 1)};
}

void add(Samples& samples, const MetricView& metric, double value, const Collector& collector) {
  const bool has_source = !collector.source.empty();
  const std::array<std::string_view, 2> labels{collector.name, collector.source};
  samples.add(view(metric, has_source), value, std::span(labels).first(has_source ? 2 : 1));
}

/// A collector without a source describes the exporter itself.
bool says_up(const Collector& collector) { return collector.says_up && !collector.source.empty(); }

/// A collector that runs on each scrape runs most often.
Clock::duration interval_of(const Collector& collector) {
  const auto* every = std::get_if<Every>(&collector.schedule);
  return every != nullptr ? every->interval : Clock::duration::zero();
}

}  // namespace

Outcomes::Outcomes(const Options& options)
    : options_(options),
      up_{MetricType::gauge, options_.up_name, kUpHelp, std::span(&options_.source_label, 1)} {}

std::vector<MetricView> Outcomes::metrics() const {
  std::vector<MetricView> all = {kSuccess, kDuration,   kLastSuccess, kInterval,
                                 kSamples, kDuplicates, kDropped};
  if (options_.node_exporter_names) all.insert(all.end(), {kNodeDuration, kNodeSuccess});
  const bool has_sources = !options_.source_label.empty();
  for (auto& metric : all) metric = view(metric, has_sources);
  if (has_sources) all.push_back(up_);
  return all;
}

Outcomes::Shown Outcomes::shown(const Collector& collector, const Status& status,
                                std::size_t clashing) {
  Shown shown{&collector};
  if (status.outcome == Status::Outcome::never_ran) return shown;
  // A failed run has none, even if samples of an earlier one are shown.
  const auto left_out = std::min(clashing, status.samples);
  shown.outcome = {status.outcome == Status::Outcome::success, status.samples - left_out,
                   status.duplicates + left_out, status.dropped};
  if (!collector.waits_for_nothing()) {
    shown.times = {status.duration_seconds, status.last_success_unix};
  }
  return shown;
}

void Outcomes::add_outcomes(Samples& samples, std::span<const Shown> collectors) const {
  for (const auto& [collector, outcome, times] : collectors) {
    if (const auto* every = std::get_if<Every>(&collector->schedule)) {
      add(samples, kInterval, seconds(every->interval), *collector);
    }
    if (!outcome) continue;
    const double success = outcome->success ? 1 : 0;
    add(samples, kSuccess, success, *collector);
    if (options_.node_exporter_names) add(samples, kNodeSuccess, success, *collector);
    add(samples, kSamples, static_cast<double>(outcome->samples), *collector);
    add(samples, kDuplicates, static_cast<double>(outcome->duplicates), *collector);
    add(samples, kDropped, static_cast<double>(outcome->dropped), *collector);
  }
}

void Outcomes::add_times(Samples& samples, std::span<const Shown> collectors) const {
  for (const auto& [collector, outcome, times] : collectors) {
    if (!times) continue;
    add(samples, kDuration, times->duration, *collector);
    if (options_.node_exporter_names) add(samples, kNodeDuration, times->duration, *collector);
    if (times->last_success > 0) add(samples, kLastSuccess, times->last_success, *collector);
  }
}

std::vector<Outcomes::Source> Outcomes::sources(std::span<const Collector* const> collectors) {
  std::map<std::string_view, Source> sources;
  std::map<std::string_view, Clock::duration> shortest;
  for (std::size_t i = 0; i < collectors.size(); ++i) {
    const auto& collector = *collectors[i];
    if (!says_up(collector)) continue;
    auto& source = sources[collector.source];
    source.name = collector.source;
    const auto interval = interval_of(collector);
    auto& least = shortest.try_emplace(source.name, interval).first->second;
    if (interval < least) source.collectors.clear();
    least = std::min(least, interval);
    if (interval == least) source.collectors.push_back(i);
  }
  std::vector<Source> all;
  for (auto& [name, source] : sources) all.push_back(std::move(source));
  return all;
}

std::optional<bool> Outcomes::is_up(const Source& source,
                                    std::span<const Status* const> statuses) const {
  std::optional<bool> is_up;
  for (const auto index : source.collectors) {
    const auto& status = *statuses[index];
    if (status.outcome == Status::Outcome::never_ran) continue;
    const bool good =
        status.outcome == Status::Outcome::success || !options_.means_down(status.reason);
    is_up = good || is_up.value_or(false);
  }
  return is_up;
}

void Outcomes::add_up(Samples& samples, std::string_view source, bool is_up) const {
  samples.add(up_, is_up ? 1 : 0, std::span(&source, 1));
}

}  // namespace exporter
