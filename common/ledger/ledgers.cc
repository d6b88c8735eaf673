#include "common/ledger/ledgers.h"

namespace exporter {
namespace {

constexpr auto kSeries = gauge("exporter_ledger_series", "Series that the ledger keeps.", "ledger");
constexpr auto kOpenEvents = gauge(
    "exporter_ledger_open_events",
    "Events whose values may still be corrected: those within the allowed lateness.", "ledger");
constexpr auto kCorrections =
    counter("exporter_ledger_corrections_total",
            "Reports that gave an event another value than before.", "ledger");
constexpr auto kLate =
    counter("exporter_ledger_late_events_total",
            "Reports of events beyond the allowed lateness. They are ignored, as they may be "
            "repetitions.",
            "ledger");
constexpr auto kDropped = counter(
    "exporter_ledger_dropped_events_total",
    "Reports left out because the ledger has as many series or open events as it may.", "ledger");
constexpr auto kSize =
    gauge("exporter_ledger_size_bytes", "Size of the ledger's database.", "ledger");
constexpr auto kStart = gauge("exporter_ledger_start_timestamp_seconds",
                              "When the ledger started to count, in seconds since 1970. Changes "
                              "when its state is lost.",
                              "ledger");
constexpr auto kLastWrite =
    gauge("exporter_ledger_last_write_timestamp_seconds",
          "When a run was last committed, in seconds since 1970.", "ledger");
constexpr auto kNewest = gauge("exporter_ledger_newest_event_timestamp_seconds",
                               "When the newest event happened, in seconds since 1970. The start "
                               "of the ledger before the first.",
                               "ledger");
constexpr auto kDiscarded =
    gauge("exporter_ledger_state_discarded",
          "Whether this process found a ledger that could not be used, set it aside (1) and "
          "started again.",
          "ledger");

double seconds(Ledger::Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

void add(Samples& samples, const std::string& name, const Ledger::Figures& figures) {
  samples.add(kSeries, static_cast<double>(figures.series), name);
  samples.add(kOpenEvents, static_cast<double>(figures.open_events), name);
  samples.add(kCorrections, static_cast<double>(figures.corrections), name);
  samples.add(kLate, static_cast<double>(figures.late), name);
  samples.add(kDropped, static_cast<double>(figures.dropped), name);
  samples.add(kSize, static_cast<double>(figures.size_bytes), name);
  samples.add(kStart, seconds(figures.started), name);
  samples.add(kLastWrite, seconds(figures.written), name);
  samples.add(kNewest, seconds(figures.newest), name);
  samples.add(kDiscarded, figures.discarded ? 1 : 0, name);
}

}  // namespace

std::shared_ptr<Ledger> Ledgers::open(const std::string& name, const Ledger::Options& options) {
  const std::lock_guard lock(mutex_);
  std::erase_if(ledgers_, [&](const auto& entry) {
    return entry.first != name && entry.second.use_count() == 1;
  });
  if (const auto at = ledgers_.find(name); at != ledgers_.end()) {
    at->second->set_options(options);
    return at->second;
  }
  return ledgers_[name] = std::make_shared<Ledger>(name, state_dir_, options);
}

void Ledgers::add_to(Samples& samples) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, ledger] : ledgers_) {
    if (ledger.use_count() > 1) add(samples, name, ledger->figures());
  }
}

std::vector<MetricView> Ledgers::metrics() {
  return {kSeries, kOpenEvents, kCorrections, kLate,   kDropped,
          kSize,   kStart,      kLastWrite,   kNewest, kDiscarded};
}

Collector make_ledger(std::shared_ptr<const Ledgers> ledgers) {
  Collector collector;
  collector.name = "ledger";
  collector.metrics = Ledgers::metrics();
  collector.collect = [ledgers = std::move(ledgers)](Samples& samples, const Deadline&) {
    ledgers->add_to(samples);
  };
  return collector;
}

}  // namespace exporter
