#include <algorithm>
#include <cmath>

#include "common/base/error.h"
#include "common/ledger/ledger.h"
#include "common/ledger/store.h"

namespace exporter {
namespace {

using ledger::Amount;
using ledger::Cell;
using ledger::Series;

constexpr const char* kBadBounds = "the bounds of a histogram are positive and ascend";

std::string longer_than(std::size_t bytes) {
  return " is longer than " + std::to_string(bytes) + " bytes";
}

[[noreturn]] void misuse(const MetricView& metric, const char* why) {
  throw Error(Reason::internal, std::string(metric.name) + ": " + why);
}

/// The row is at fault, and the run goes on without it.
[[noreturn]] void refuse(const MetricView& metric, std::span<const std::string_view> labels,
                         const std::string& why) {
  std::string text(metric.name);
  char separator = '{';
  for (std::size_t i = 0; i < labels.size(); ++i) {
    text += separator;
    text.append(metric.labels[i]).append("=\"");
    append_label_value(text, labels[i]);
    text += '"';
    separator = ',';
  }
  if (separator == ',') text += '}';
  throw Error(Reason::decode, text + ": " + why);
}

void check_bounds(const MetricView& metric, std::span<const double> bounds) {
  double below = 0;
  for (const double bound : bounds) {
    if (!(bound > below) || !std::isfinite(bound)) misuse(metric, kBadBounds);
    below = bound;
  }
  if (bounds.empty()) misuse(metric, kBadBounds);
}

std::size_t bucket_of(Amount amount, std::span<const double> bounds) {
  const auto at = std::lower_bound(bounds.begin(), bounds.end(), amount.value());
  return static_cast<std::size_t>(at - bounds.begin());
}

/// Replaces what an event adds to the series.
void replace(Series& series, std::span<const double> bounds, std::optional<Amount> old,
             Amount value) {
  auto& cells = series.cells;
  cells.back().truth += value;
  if (old) cells.back().truth -= *old;
  if (bounds.empty()) return;
  const auto one = *Amount::of(1);
  cells[bucket_of(value, bounds)].truth += one;
  if (old) cells[bucket_of(*old, bounds)].truth -= one;
}

/// The line that lies the allowed lateness before the newest event, on whole steps, so that it
/// moves rarely.
ledger::Time watermark_of(ledger::Time newest, std::chrono::microseconds allowed_lateness) {
  using std::chrono::microseconds;
  const auto step = std::max<microseconds>(allowed_lateness / 16, std::chrono::seconds(1));
  const auto line = (newest - allowed_lateness).time_since_epoch();
  return ledger::Time(line - line % step);
}

}  // namespace

Ledger::Run Ledger::begin(const Deadline& deadline, Time now) { return {*this, deadline, now}; }

Ledger::Run::Turn::Turn(Ledger& of, const Deadline& deadline) : ledger(of) {
  std::unique_lock lock(of.mutex_);
  const auto idle = [&] { return !of.running_; };
  if (!of.idle_.wait_until(lock, deadline.stop(), deadline.when(), idle)) {
    if (deadline.stop().stop_requested()) throw Error(Reason::cancelled, "cancelled");
    throw Error(Reason::timeout, "ledger " + of.name_ + ": another run of it has not ended");
  }
  of.running_ = true;
}

Ledger::Run::Turn::~Turn() {
  const std::lock_guard lock(ledger.mutex_);
  ledger.running_ = false;
  ledger.idle_.notify_one();
}

Ledger::Run::Run(Ledger& ledger, const Deadline& deadline, Time now)
    : turn_(ledger, deadline), store_(ledger.usable_store(now)), now_(now) {
  {
    const std::lock_guard lock(ledger.mutex_);
    options_ = ledger.options_;
    state_ = ledger.state_;
  }
  created_before_ = state_.next_series;
  if (now < state_.started && ledger.series_.empty()) begin_earlier();
  guarded([&] { store_.begin(); });
}

/// The clock was ahead when the ledger was made: without this, nothing would count until then.
void Ledger::Run::begin_earlier() {
  state_.started = now_;
  state_.since = state_.watermark = state_.newest = now_ - options_.past;
}

Ledger::Run::~Run() { store_.rollback(); }

void Ledger::Run::record(const MetricView& counter, const Event& event, double value,
                         std::span<const std::string_view> labels) {
  if (counter.type != MetricType::counter) misuse(counter, "not a counter");
  take(counter, {}, event, value, labels);
}

void Ledger::Run::observe(const MetricView& histogram, std::span<const double> bounds,
                          const Event& event, double value,
                          std::span<const std::string_view> labels) {
  if (histogram.type != MetricType::histogram) misuse(histogram, "not a histogram");
  check_bounds(histogram, bounds);
  take(histogram, bounds, event, value, labels);
}

std::string Ledger::Run::metadata(std::string_view key) {
  std::string text;
  each_metadata(key, [&](std::string_view found, std::string_view its) {
    if (found == key) text = its;
  });
  return text;
}

void Ledger::Run::set_metadata(std::string_view key, std::string_view text) {
  if (key.size() > kMaxMetadataKey) {
    throw Error(Reason::decode, "a metadata key" + longer_than(kMaxMetadataKey));
  }
  if (text.size() > kMaxMetadata)
    throw Error(Reason::decode, "metadata" + longer_than(kMaxMetadata));
  guarded([&] { store_.put_metadata(key, text); });
}

void Ledger::Run::each_metadata(std::string_view prefix, const ledger::MetadataUse& use) {
  guarded([&] { store_.each_metadata(prefix, use); });
}

void Ledger::Run::take(const MetricView& metric, std::span<const double> bounds, const Event& event,
                       double value, std::span<const std::string_view> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].size() > kMaxLabelValue) {
      refuse(metric, {},
             "the value of " + std::string(metric.labels[i]) + longer_than(kMaxLabelValue));
    }
  }
  if (event.id.size() > kMaxId) refuse(metric, labels, "the id of an event" + longer_than(kMaxId));
  const auto amount = Amount::of(value);
  if (!amount) refuse(metric, labels, "a value that is not from 0 to 1e18");
  if (event.when < state_.watermark) {
    if (event.when >= state_.since) ++state_.late;
    return;
  }
  key_.clear();
  ledger::append_series_key(key_, metric, bounds, labels);
  guarded([&] { store(bounds, event, value, *amount); });
}

void Ledger::Run::store(std::span<const double> bounds, const Event& event, double value,
                        Amount amount) {
  const auto* known = find_series();
  const auto before = known != nullptr ? store_.find(event.id, known->id) : std::nullopt;
  if (!before && !has_room(known)) {
    ++state_.dropped;
    return;
  }
  const auto old = before ? Amount::of(before->value) : std::nullopt;
  const auto when = before ? std::max(before->when, event.when) : event.when;
  if (before && old == amount && when == before->when) return;

  auto& series = edit(known, bounds.empty() ? 1 : bounds.size() + 2);
  if (before) {
    store_.change({before->row, value, when});
  } else {
    store_.add(event.id, series.id, value, when);
  }
  replace(series, bounds, old, amount);
  series.newest = std::max(series.newest, when);
  if (when <= now_ + kMaxAhead) state_.newest = std::max(state_.newest, when);
  if (!before) ++state_.open_events;
  if (before && old != amount) ++state_.corrections;
}

/// The series of key_ as this run has it, or as it was; null when it is new.
const Series* Ledger::Run::find_series() const {
  if (const auto at = changed_.find(key_); at != changed_.end()) return &at->second;
  const auto& all = turn_.ledger.series_;  // which runs alone change
  const auto at = all.find(key_);
  return at != all.end() ? &at->second : nullptr;
}

bool Ledger::Run::has_room(const Series* known) const {
  if (state_.open_events >= options_.max_open_events) return false;
  const auto created = static_cast<std::size_t>(state_.next_series - created_before_);
  return known != nullptr || turn_.ledger.series_.size() + created < options_.max_series;
}

/// This run's own copy of the series of key_.
Series& Ledger::Run::edit(const Series* known, std::size_t cells) {
  const auto [at, is_new] = changed_.try_emplace(key_);
  if (!is_new) return at->second;
  if (known != nullptr) {
    at->second = *known;
  } else {
    at->second = {state_.next_series++, Time::min(), std::vector<Cell>(cells)};
  }
  return at->second;
}

void Ledger::Run::commit() {
  guarded([&] {
    state_.written = now_;
    for (auto& [key, series] : changed_) {
      for (auto& cell : series.cells) cell.shown = std::max(cell.shown, cell.truth);
      store_.put(key, series);
    }
    compact();
    store_.put(state_);
    size_bytes_ = store_.size_bytes();
    store_.commit();
  });
  intact_ = false;
  publish();
}

void Ledger::Run::compact() {
  const auto line = watermark_of(state_.newest, options_.allowed_lateness);
  if (line <= state_.watermark) return;
  state_.watermark = line;
  state_.open_events -= store_.compact(line);
  dropped_before_ = std::min(line, state_.newest - options_.retention);
  store_.forget_series(dropped_before_);
}

void Ledger::Run::publish() {
  auto& ledger = turn_.ledger;
  const std::lock_guard lock(ledger.mutex_);
  for (auto& [key, series] : changed_) ledger.series_[key] = std::move(series);
  if (dropped_before_ != Time::min()) {
    std::erase_if(ledger.series_,
                  [&](const auto& entry) { return entry.second.newest < dropped_before_; });
  }
  ledger.state_ = state_;
  ledger.size_bytes_ = size_bytes_;
}

/// Does what reads or writes the store; when it fails, so does the whole run.
template <class Work>
void Ledger::Run::guarded(Work&& work) {
  if (!intact_) throw Error(Reason::internal, "the run of the ledger has ended");
  intact_ = false;
  try {
    work();
  } catch (const ledger::UnusableFile&) {
    turn_.ledger.unusable_ = true;
    throw;
  }
  intact_ = true;
}

}  // namespace exporter
