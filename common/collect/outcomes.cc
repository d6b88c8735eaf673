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

bool has_run(const Outcomes::Shown& shown) {
  return shown.status->outcome != Status::Outcome::never_ran;
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

void Outcomes::add_outcomes(Samples& samples, std::span<const Shown> collectors) const {
  for (const auto& shown : collectors) {
    const auto& [collector, status, clashing] = shown;
    if (const auto* every = std::get_if<Every>(&collector->schedule)) {
      add(samples, kInterval, seconds(every->interval), *collector);
    }
    if (!has_run(shown)) continue;
    const double success = status->outcome == Status::Outcome::success ? 1 : 0;
    add(samples, kSuccess, success, *collector);
    if (options_.node_exporter_names) add(samples, kNodeSuccess, success, *collector);
    // A failed run has none, even if samples of an earlier one are shown.
    const auto left_out = std::min(clashing, status->samples);
    add(samples, kSamples, static_cast<double>(status->samples - left_out), *collector);
    add(samples, kDuplicates, static_cast<double>(status->duplicates + left_out), *collector);
    add(samples, kDropped, static_cast<double>(status->dropped), *collector);
  }
}

void Outcomes::add_times(Samples& samples, std::span<const Shown> collectors) const {
  for (const auto& shown : collectors) {
    const auto& [collector, status, clashing] = shown;
    if (!has_run(shown) || collector->waits_for_nothing()) continue;
    add(samples, kDuration, status->duration_seconds, *collector);
    if (options_.node_exporter_names) {
      add(samples, kNodeDuration, status->duration_seconds, *collector);
    }
    if (status->last_success_unix > 0) {
      add(samples, kLastSuccess, status->last_success_unix, *collector);
    }
  }
}

void Outcomes::add_up(Samples& samples, std::span<const Shown> collectors) const {
  struct Source {
    Clock::duration shortest = Clock::duration::max();
    std::optional<bool> is_up;
  };
  std::map<std::string_view, Source> sources;
  for (const auto& shown : collectors) {
    if (!says_up(*shown.collector)) continue;
    auto& source = sources[shown.collector->source];
    source.shortest = std::min(source.shortest, interval_of(*shown.collector));
  }
  for (const auto& shown : collectors) {
    if (!says_up(*shown.collector)) continue;
    auto& source = sources[shown.collector->source];
    if (interval_of(*shown.collector) != source.shortest || !has_run(shown)) continue;
    const bool good = shown.status->outcome == Status::Outcome::success ||
                      !options_.means_down(shown.status->reason);
    source.is_up = good || source.is_up.value_or(false);
  }
  for (const auto& [name, source] : sources) {
    if (source.is_up) samples.add(up_, *source.is_up ? 1 : 0, std::span(&name, 1));
  }
}

}  // namespace exporter
