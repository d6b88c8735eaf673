#include "common/ledger/ledgers.h"

#include <span>

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

/// A family but for its labels.
struct Figure {
  MetricType type;
  std::string_view name, help;
  double (*value)(const Figures& figures);

  MetricView with(std::span<const std::string_view> labels) const {
    return {type, name, help, labels};
  }
};

constexpr auto kGauge = MetricType::gauge, kCounter = MetricType::counter;
constexpr Figure kFigures[] = {
    {kGauge, "exporter_ledger_series", "Series that the ledger keeps.", number<&Figures::series>},
    {kGauge, "exporter_ledger_open_events",
     "Events that may still be corrected: those since the watermark.",
     number<&Figures::open_events>},
    {kCounter, "exporter_ledger_corrections_total",
     "Known events whose value or labels changed, or which a window that was read again no longer "
     "had.",
     number<&Figures::corrections>},
    {kCounter, "exporter_ledger_late_events_total",
     "Reports of events from before the watermark. They are ignored, as they may be repetitions.",
     number<&Figures::late>},
    {kCounter, "exporter_ledger_ahead_events_total",
     "Reports of events more than 5 minutes ahead of the exporter's clock. They count, but do not "
     "move the watermark.",
     number<&Figures::ahead>},
    {kCounter, "exporter_ledger_dropped_events_total",
     "Reports that do not count, as the ledger has as many series or open events as it may.",
     number<&Figures::dropped>},
    {kCounter, "exporter_ledger_early_compacted_events_total",
     "Events compacted before the allowed lateness had passed, as the ledger has as many open "
     "events as it may. Later corrections of them are late.",
     number<&Figures::compacted_early>},
    {kGauge, "exporter_ledger_size_bytes", "Size of the ledger's database.",
     number<&Figures::size_bytes>},
    {kGauge, "exporter_ledger_start_timestamp_seconds",
     "When the ledger started to count, in seconds since 1970. Changes when its state is lost.",
     timestamp<&Figures::started>},
    {kGauge, "exporter_ledger_last_write_timestamp_seconds",
     "When a run was last committed, in seconds since 1970. The start before the first.",
     timestamp<&Figures::written>},
    {kGauge, "exporter_ledger_newest_event_timestamp_seconds",
     "When the newest event happened, in seconds since 1970. The start before the first.",
     timestamp<&Figures::newest>},
    {kGauge, "exporter_ledger_watermark_timestamp_seconds",
     "The watermark, in seconds since 1970. Reports of events that happened before are late.",
     timestamp<&Figures::watermark>},
};
constexpr Figure kDiscarded = {
    kGauge, "exporter_ledger_state_discarded",
    "Whether this process found a file that could not be used, renamed it (1) and started again.",
    nullptr};

/// The characters of a file's name that a URL has too (RFC 3986, 2.3).
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kUnreserved.find(c) != kUnreserved.npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

}  // namespace

SharedLedger::SharedLedger(std::shared_ptr<Ledger> ledger, const Ledger::Options& options)
    : ledger_(std::move(ledger)), options_(options) {
  Ledger::check(options);
}

Ledgers::Ledgers(std::filesystem::path state_dir, std::string source_label)
    : state_dir_(std::move(state_dir)), source_label_(std::move(source_label)) {
  labels_.push_back("ledger");
  if (!source_label_.empty()) labels_.push_back(source_label_);
}

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

/// Closes the ledgers that nobody holds but this, without the mutex: it writes files.
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
    const auto values = std::span(both).first(labels_.size());
    if (const auto figures = ledger->figures()) {
      for (const auto& figure : kFigures) {
        samples.add(figure.with(labels_), figure.value(*figures), values);
      }
    }
    samples.add(kDiscarded.with(labels_), ledger->has_discarded_state() ? 1 : 0, values);
  }
}

std::vector<MetricView> Ledgers::metrics() const {
  std::vector<MetricView> metrics;
  for (const auto& figure : kFigures) metrics.push_back(figure.with(labels_));
  metrics.push_back(kDiscarded.with(labels_));
  return metrics;
}

Collector make_ledger(std::shared_ptr<const Ledgers> ledgers) {
  Collector collector;
  collector.name = "ledger";
  collector.metrics = ledgers->metrics();
  collector.collect = [ledgers = std::move(ledgers)](Samples& samples, const Deadline&) {
    ledgers->add_to(samples);
  };
  return collector;
}

}  // namespace exporter
