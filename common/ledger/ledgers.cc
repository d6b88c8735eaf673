#include "common/ledger/ledgers.h"

#include <array>
#include <span>
#include <string_view>

#include "common/base/percent.h"

namespace exporter {
namespace {

double seconds(Ledger::Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

using Figures = Ledger::Figures;

template <auto Member>
double number(const Figures& figures) {
  return static_cast<double>(figures.*Member);
}
template <auto Member>
double timestamp(const Figures& figures) {
  return seconds(figures.*Member);
}

struct Figure {
  Metric<2> family;
  double (*value)(const Figures& figures);
};

constexpr Figure kFigures[] = {
    {gauge("exporter_ledger_series", "Series in the ledger.", "ledger", "source"),
     number<&Figures::series>},
    {gauge("exporter_ledger_open_events",
           "Events after the watermark, which can still be corrected.", "ledger", "source"),
     number<&Figures::open_events>},
    {counter("exporter_ledger_corrections_total",
             "Known events whose value or labels changed, or that were missing when their window "
             "was read again.",
             "ledger", "source"),
     number<&Figures::corrections>},
    {counter("exporter_ledger_late_events_total",
             "Reports of events before the watermark. They are ignored, because they may be "
             "repetitions.",
             "ledger", "source"),
     number<&Figures::late>},
    {counter("exporter_ledger_ahead_events_total",
             "Reports of events more than 5 minutes ahead of the exporter's clock. They count, but "
             "do not move the watermark.",
             "ledger", "source"),
     number<&Figures::ahead>},
    {counter("exporter_ledger_dropped_events_total",
             "Reports that were dropped because the ledger had reached its limit of series or open "
             "events.",
             "ledger", "source"),
     number<&Figures::dropped>},
    {counter("exporter_ledger_early_compacted_events_total",
             "Events compacted before the allowed lateness had passed, because the ledger had "
             "reached its limit of open events. Later corrections of them are late.",
             "ledger", "source"),
     number<&Figures::compacted_early>},
    {gauge("exporter_ledger_size_bytes", "Size of the ledger's database in bytes.", "ledger",
           "source"),
     number<&Figures::size_bytes>},
    {gauge("exporter_ledger_start_timestamp_seconds",
           "Time at which the ledger started to count, in seconds since 1970. Changes if its state "
           "is lost.",
           "ledger", "source"),
     timestamp<&Figures::started>},
    {gauge("exporter_ledger_last_write_timestamp_seconds",
           "Time of the last commit, in seconds since 1970; the ledger's start before the first.",
           "ledger", "source"),
     timestamp<&Figures::written>},
    {gauge("exporter_ledger_newest_event_timestamp_seconds",
           "Time of the newest event, in seconds since 1970; the ledger's start before the first.",
           "ledger", "source"),
     timestamp<&Figures::newest>},
    {gauge("exporter_ledger_watermark_timestamp_seconds",
           "The watermark, in seconds since 1970. Reports of earlier events are late.", "ledger",
           "source"),
     timestamp<&Figures::watermark>},
};
constexpr auto kDiscarded =
    gauge("exporter_ledger_state_discarded",
          "Whether this process found an unusable file, renamed it and started a new ledger.",
          "ledger", "source");

/// Without the label `source` if the ledger has none.
void add_figure(Samples& samples, MetricView family, double value,
                std::span<const std::string_view> labels) {
  family.labels = family.labels.first(labels.size());
  samples.add(family, value, labels);
}

}  // namespace

SharedLedger::SharedLedger(std::shared_ptr<Ledger> ledger, const Ledger::Options& options)
    : ledger_(std::move(ledger)), options_(options) {
  Ledger::check(options);
}

Ledgers::Ledgers(std::filesystem::path state_dir) : state_dir_(std::move(state_dir)) {}

SharedLedger Ledgers::open(const std::string& purpose, const std::string& source,
                           const Ledger::Options& options, std::vector<Migration> migrations) {
  Ledger::check(options);
  const std::lock_guard opening(opening_);
  const Key key(purpose, source);
  close_others(key);
  auto ledger = find(key);
  if (ledger == nullptr) {
    const auto name = source.empty() ? purpose : purpose + '.' + percent_encoded(source);
    ledger = std::make_shared<Ledger>(name, state_dir_, std::move(migrations));
    const std::lock_guard lock(mutex_);
    ledgers_[key] = ledger;
  }
  return SharedLedger(std::move(ledger), options);
}

std::shared_ptr<Ledger> Ledgers::find(const Key& key) const {
  const std::lock_guard lock(mutex_);
  const auto at = ledgers_.find(key);
  return at == ledgers_.end() ? nullptr : at->second;
}

/// Closes the ledgers that only this object refers to. Without the mutex, because closing writes
/// files.
void Ledgers::close_others(const Key& key) {
  std::vector<std::shared_ptr<Ledger>> closing;
  const std::lock_guard lock(mutex_);
  std::erase_if(ledgers_, [&](auto& entry) {
    if (entry.first == key || entry.second.use_count() > 1) return false;
    closing.push_back(std::move(entry.second));
    return true;
  });
}

void Ledgers::add_to(Samples& samples) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, ledger] : ledgers_) {
    if (ledger.use_count() == 1) continue;
    const std::array<std::string_view, 2> both{key.first, key.second};
    const auto labels = std::span(both).first(key.second.empty() ? 1 : 2);
    if (const auto figures = ledger->figures()) {
      for (const auto& figure : kFigures) {
        add_figure(samples, figure.family, figure.value(*figures), labels);
      }
    }
    add_figure(samples, kDiscarded, ledger->has_discarded_state() ? 1 : 0, labels);
  }
}

std::vector<MetricView> Ledgers::metrics() {
  std::vector<MetricView> metrics;
  for (const auto& figure : kFigures) metrics.push_back(figure.family);
  metrics.push_back(kDiscarded);
  return metrics;
}

Collector make_ledger(std::shared_ptr<const Ledgers> ledgers) {
  Collector collector;
  collector.name = "ledger";
  collector.schedule = OnScrape{.waits_for_nothing = true};
  collector.metrics = Ledgers::metrics();
  collector.collect = [ledgers = std::move(ledgers)](Samples& samples, const Deadline&) {
    ledgers->add_to(samples);
  };
  return collector;
}

}  // namespace exporter
