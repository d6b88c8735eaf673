#include "tests/common/ledger_model.h"

#include <algorithm>

namespace model {
namespace {

constexpr std::chrono::microseconds kMicrosecond{1};

}  // namespace

bool Model::LongerFirst::operator()(const Labels& a, const Labels& b) const {
  const auto text = [](const Labels& labels) {
    std::string all;
    for (const auto& label : labels) all += label + '\xff';
    return all;
  };
  return text(a) < text(b);
}

Model::Model(Time created) {
  committed_.started = committed_.since = committed_.watermark = committed_.newest =
      committed_.written = committed_.jumped_from = committed_.jumped_to =
          committed_.retention_from = committed_.retention_to = created;
}

void Model::begin(const Ledger::Options& options, Time now) {
  draft_ = committed_;
  options_ = options;
  now_ = now;
  limit_ = now + Ledger::kMaxAhead;
  windows_.clear();
  set_clock();
  newest_ = draft_.newest;
}

void Model::abandon() { draft_ = committed_; }

void Model::set_clock() {
  auto& d = draft_;
  // "has no effect once it has counted"
  if (series_count() == 0 && d.newest == d.since) {
    d.started = std::min(d.started, now_);
    d.since = d.watermark = d.newest = d.started - options_.past;
    d.jumped_from = d.jumped_to = d.retention_from = d.retention_to = d.since;
  }
  // "stay late until the clock reaches them or the allowed lateness has passed"
  if (d.ahead_to && *d.ahead_to <= limit_) {
    d.watermark = std::max(d.watermark, *d.ahead_to);
    d.ahead_to.reset();
  }
  if (d.ahead_to && now_ - d.ahead_since >= options_.allowed_lateness) d.ahead_to.reset();
  // "a watermark that is ahead goes back to the clock plus kMaxAhead"
  if (d.watermark > limit_) {
    d.ahead_to = std::max(d.ahead_to.value_or(d.watermark), d.watermark);
    d.ahead_since = now_;
    d.watermark = limit_;
    d.since = std::min(d.since, limit_ - options_.allowed_lateness);
  }
  // "the newest event becomes the newest one that is not ahead"
  if (d.newest > limit_) {
    d.newest = std::max(d.watermark, newest_known());
    if (d.jumped_to > d.newest) d.jumped_from = d.jumped_to = d.since;
    if (d.retention_to > d.newest) d.retention_from = d.retention_to = d.since;
  }
}

Time Model::newest_known() const {
  Time newest = Time::min();
  for (const auto& [key, family] : draft_.families) {
    for (const auto& [id, event] : family.events) {
      if (event.when <= limit_) newest = std::max(newest, event.when);
    }
  }
  return newest;
}

Model::Family& Model::family(const MetricView& metric, std::span<const double> bounds) {
  std::string key(metric.name);
  for (const auto bound : bounds) key += ' ' + std::to_string(bound);
  auto& family = draft_.families[key];
  family.metric = metric;
  family.bounds.assign(bounds.begin(), bounds.end());
  return family;
}

std::int64_t Model::open_events() const {
  std::int64_t count = 0;
  for (const auto& [key, family] : draft_.families) count += std::ssize(family.events);
  return count;
}

std::int64_t Model::series_count() const {
  std::int64_t count = 0;
  for (const auto& [key, family] : draft_.families) count += std::ssize(family.series);
  return count;
}

bool Model::is_late(Time when) const {
  return when < draft_.watermark || (when > limit_ && draft_.ahead_to && when < *draft_.ahead_to);
}

void Model::see(Time when) {
  if (when > limit_) {
    ++draft_.ahead;
  } else {
    newest_ = std::max(newest_, when);
  }
}

bool Model::has_room_for(const Family& family, const Labels& labels) const {
  return family.series.contains(labels) ||
         series_count() < static_cast<std::int64_t>(options_.max_series);
}

/// "the oldest sixteenth is compacted to make room for a newer event", "all that are ahead are
/// compacted if the oldest sixteenth is ahead"
bool Model::make_room(Time when) {
  std::vector<Time> times;
  for (const auto& [key, family] : draft_.families) {
    for (const auto& [id, event] : family.events) times.push_back(event.when);
  }
  const auto open = std::ssize(times);
  if (open < options_.max_open_events) return true;
  if (open == 0) return false;
  std::ranges::sort(times);
  const auto last = times[static_cast<std::size_t>(std::max<std::ptrdiff_t>(1, open / 16) - 1)];
  if (last >= when && when <= limit_ && last > limit_) {
    draft_.compacted_early += compact(limit_ + kMicrosecond, Time::max());
    draft_.ahead_to = std::max(draft_.ahead_to.value_or(Time::min()), times.back() + kMicrosecond);
    draft_.ahead_since = now_;
    return true;
  }
  if (last >= when) return false;
  draft_.compacted_early += compact(Time::min(), last + kMicrosecond);
  if (last > limit_) {
    draft_.ahead_to = std::max(draft_.ahead_to.value_or(Time::min()), last + kMicrosecond);
    draft_.ahead_since = now_;
  }
  draft_.watermark = std::max(draft_.watermark, (last > limit_ ? newest_ : last) + kMicrosecond);
  return true;
}

Model::Series& Model::series_of(Family& family, const Labels& labels) {
  auto& series = family.series[labels];
  if (series.shown.empty()) {
    series.shown.resize(family.bounds.empty() ? 1 : family.bounds.size() + 2);
    series.compacted = series.shown;
  }
  return series;
}

void Model::report(const MetricView& metric, std::span<const double> bounds, const std::string& id,
                   Time when, const Value& value, const Labels& labels) {
  if (value.thousandths < 0) {
    auto& events = family(metric, bounds).events;
    if (const auto known = events.find(id); known != events.end()) known->second.is_reported = true;
    return;
  }
  see(when);
  if (is_late(when)) {
    if (when >= draft_.since) ++draft_.late;
    return;
  }
  auto& family = this->family(metric, bounds);
  const bool is_new = !family.events.contains(id);
  if (!has_room_for(family, labels) || (is_new && !make_room(when))) {
    ++draft_.dropped;
    if (!is_new) family.events[id].is_reported = true;
    return;
  }
  auto& event = family.events[id];
  if (is_new) {
    event.when = when;
  } else if (event.value != value || event.labels != labels) {
    ++draft_.corrections;
  }
  event = {labels, std::max(event.when, when), value, true};
  auto& newest = series_of(family, labels).newest;
  newest = std::max(newest, event.when);
}

void Model::ensure(const MetricView& counter, const Labels& labels) {
  auto& family = this->family(counter, {});
  if (!has_room_for(family, labels)) {
    ++draft_.dropped;
    return;
  }
  auto& newest = series_of(family, labels).newest;
  newest = std::max(newest, newest_);
}

void Model::replace_window(Time from, Time to, const std::vector<MetricView>& families) {
  Window window{from, to, {}};
  for (const auto& metric : families) window.families.emplace(metric.name);
  windows_.push_back(std::move(window));
}

void Model::set_metadata(const std::string& key, const std::string& text) {
  if (text.empty()) {
    draft_.metadata.erase(key);
  } else {
    draft_.metadata[key] = text;
  }
}

// ---- the commit

void Model::clear_windows() {
  for (const auto& window : windows_) {
    for (auto& [key, family] : draft_.families) {
      const auto name = std::string(family.metric.name);
      if (!window.families.empty() && !window.families.contains(name)) continue;
      for (auto& [id, event] : family.events) {
        const bool is_in = event.when >= std::max(window.from, draft_.watermark) &&
                           event.when < window.to && !event.is_reported;
        if (!is_in || !event.value) continue;
        event.value.reset();
        ++draft_.corrections;
      }
    }
  }
}

/// Keeps the values, discards the ids.
std::int64_t Model::compact(Time from, Time to) {
  const auto is_within = [&](const Known& event) { return event.when >= from && event.when < to; };
  std::int64_t count = 0;
  for (auto& [key, family] : draft_.families) {
    for (auto& [id, event] : family.events) {
      if (!is_within(event)) continue;
      ++count;
      if (event.value) {
        add(series_of(family, event.labels).compacted, cells_of(family, *event.value));
      }
    }
    std::erase_if(family.events, [&](const auto& entry) { return is_within(entry.second); });
  }
  return count;
}

void Model::move_watermark() {
  auto& d = draft_;
  const auto lateness = options_.allowed_lateness;
  // Includes events that were ahead when they were reported.
  const auto newest = std::max(newest_, newest_known());
  if (newest > d.newest + lateness) {
    d.jumped_from = d.newest;
    d.jumped_to = newest;
  }
  if (newest > d.newest + options_.retention) {
    d.retention_from = d.newest;
    d.retention_to = newest;
  }
  d.newest = std::max(d.newest, newest);
  const auto base = d.newest < d.jumped_to + lateness ? d.jumped_from : d.newest;
  const auto step = std::max<std::chrono::microseconds>(lateness / 16, std::chrono::seconds(1));
  auto steps = (base - lateness).time_since_epoch() / step;
  d.watermark = std::max(d.watermark, Time(step * steps));
  if (d.watermark == committed_.watermark) return;
  compact(Time::min(), d.watermark);
  const bool waits = d.newest < d.retention_to + options_.retention;
  const auto retained = (waits ? d.retention_from : d.newest) - options_.retention;
  const auto dropped = std::min(d.watermark, retained);
  for (auto& [key, family] : d.families) {
    std::erase_if(family.series, [&](const auto& e) { return e.second.newest < dropped; });
  }
}

Model::Cells Model::cells_of(const Family& family, const Value& value) {
  Cells cells(family.bounds.empty() ? 1 : family.bounds.size() + 2);
  cells.back() = value.thousandths;
  if (!value.counts.empty()) {
    for (std::size_t i = 0; i < value.counts.size(); ++i) {
      cells[i] = static_cast<std::int64_t>(value.counts[i]) * 1000;
    }
  } else if (!family.bounds.empty()) {
    std::size_t bucket = 0;
    while (bucket < family.bounds.size() &&
           static_cast<double>(value.thousandths) > family.bounds[bucket] * 1000) {
      ++bucket;
    }
    cells[bucket] = 1000;
  }
  return cells;
}

void Model::add(Cells& cells, const Cells& more) {
  for (std::size_t i = 0; i < cells.size(); ++i) cells[i] += more[i];
}

void Model::commit() {
  clear_windows();
  for (auto& [key, family] : draft_.families) {
    std::map<Labels, Cells, LongerFirst> truths;
    for (const auto& [labels, series] : family.series) truths[labels] = series.compacted;
    for (const auto& [id, event] : family.events) {
      if (event.value) add(truths.at(event.labels), cells_of(family, *event.value));
    }
    for (auto& [labels, series] : family.series) {
      for (std::size_t i = 0; i < series.shown.size(); ++i) {
        series.shown[i] = std::max(series.shown[i], truths.at(labels)[i]);
      }
    }
  }
  move_watermark();
  draft_.written = now_;
  for (auto& [key, family] : draft_.families) {
    for (auto& [id, event] : family.events) event.is_reported = false;
  }
  committed_ = draft_;
}

std::string Model::page(const MetricView& metric, std::span<const double> bounds) const {
  exporter::Samples samples;
  for (const auto& [key, family] : committed_.families) {
    if (family.metric.name != metric.name || !std::ranges::equal(family.bounds, bounds)) continue;
    for (const auto& [labels, series] : family.series) {
      const std::vector<std::string_view> views(labels.begin(), labels.end());
      const double sum = static_cast<double>(series.shown.back()) / 1000;
      if (bounds.empty()) {
        samples.add(metric, sum, views);
        continue;
      }
      std::vector<std::uint64_t> counts;
      for (std::size_t i = 0; i + 1 < series.shown.size(); ++i) {
        counts.push_back(static_cast<std::uint64_t>(series.shown[i] / 1000));
      }
      samples.add_histogram(metric, bounds, counts, sum, views);
    }
  }
  std::string text;
  samples.render(exporter::Format::text, text);
  return text;
}

Ledger::Figures Model::figures() const {
  std::int64_t open = 0, series = 0;
  for (const auto& [key, family] : committed_.families) {
    open += std::ssize(family.events);
    series += std::ssize(family.series);
  }
  return {.started = committed_.started,
          .newest = committed_.newest,
          .watermark = committed_.watermark,
          .written = committed_.written,
          .series = series,
          .open_events = open,
          .corrections = committed_.corrections,
          .size_bytes = 0,
          .late = committed_.late,
          .ahead = committed_.ahead,
          .dropped = committed_.dropped,
          .compacted_early = committed_.compacted_early};
}

}  // namespace model
