#include "common/ledger/draft.h"

#include <algorithm>

namespace exporter::ledger {
namespace {

constexpr Time::duration kNext{1};

}  // namespace

bool Draft::OpenFamily::is(const MetricView& metric, std::span<const double> of) const {
  return name == metric.name && std::ranges::equal(labels, metric.labels) &&
         std::ranges::equal(bounds, of);
}

Draft::Draft(Store& store, Book& book, const State& state, const Ledger::Options& options, Time now)
    : store_(store),
      book_(book),
      options_(options),
      now_(now),
      limit_(now + Ledger::kMaxAhead),
      committed_watermark_(state.timeline.watermark),
      state_(state) {
  store_.begin();
  start_clock();
  newest_ = state_.timeline.newest;
}

void Draft::start_clock() {
  auto& timeline = state_.timeline;
  const bool has_counted = timeline.newest != timeline.since || !book_.places.empty();
  if (!has_counted) {
    // The clock may have been ahead when the ledger was created.
    state_.started = std::min(state_.started, now_);
    timeline = Timeline::starting(state_.started - options_.past);
  }
  timeline.set_clock(now_, limit_, options_.allowed_lateness);
  if (timeline.newest > limit_) {
    timeline.go_back_to(store_.events().newest_until(limit_).value_or(timeline.watermark));
  }
}

Draft::OpenFamily& Draft::family(const MetricView& metric, std::span<const double> bounds) {
  for (auto& family : families_) {
    if (family.is(metric, bounds)) return family;
  }
  auto key = family_key(metric, bounds);
  const auto at = book_.families.find(key);
  auto* known = at == book_.families.end() ? nullptr : &at->second;
  const auto id = known != nullptr ? known->id : store_.new_family();
  if (known == nullptr) store_.put_family(id, key);
  return families_.emplace_back(OpenFamily{std::move(key),
                                           std::string(metric.name),
                                           {metric.labels.begin(), metric.labels.end()},
                                           {bounds.begin(), bounds.end()},
                                           known,
                                           id,
                                           {}});
}

/// Late and dropped events count as the newest too; otherwise a full ledger would stay full.
void Draft::see(Time when) {
  has_reported_ = true;
  if (when > limit_) {
    ++state_.ahead;
  } else {
    newest_ = std::max(newest_, when);
  }
}

std::optional<StoredEvent> Draft::find(const OpenFamily& family, std::string_view id,
                                       std::int64_t series) {
  const auto is_of_it = [&](std::int64_t other) { return family_of(other) == family.id; };
  return store_.events().find(id, family.id, series, is_of_it);
}

bool Draft::is_new(const OpenFamily& family, const Event& event) {
  return !state_.timeline.is_late(event.when, limit_) && !find(family, event.id, 0);
}

void Draft::report(OpenFamily& family, const Event& event, EventValue value,
                   std::string_view labels) {
  see(event.when);
  if (state_.timeline.is_late(event.when, limit_)) {
    if (event.when >= state_.timeline.since) ++state_.late;
    return;
  }
  const auto series = find_series(family, labels);
  const auto known = find(family, event.id, series);
  if ((series == 0 && !has_room_for_series()) || (!known && !make_room(event.when))) {
    ++state_.dropped;
    if (known) note_reported(known->row);
    return;
  }
  StoredEvent now{0, series, event.when, std::move(value)};
  if (series == 0) now.series = create_series(family, labels);
  if (known) {
    now.row = known->row;
    now.when = std::max(now.when, known->when);
    replace(family, event.id, *known, now);
  } else {
    count(family, now);
    store_.events().add(event.id, family.id, now);
    ++state_.open_events;
  }
  note_reported(now.row);
}

void Draft::keep(const MetricView& metric, std::span<const double> bounds, std::string_view id) {
  if (windows_.empty()) return;
  has_reported_ = true;
  if (const auto known = find(family(metric, bounds), id, 0)) note_reported(known->row);
}

void Draft::note_reported(std::int64_t row) {
  if (!windows_.empty()) reported_rows_.push_back(row);
}

void Draft::replace(const OpenFamily& family, std::string_view id, const StoredEvent& known,
                    StoredEvent& now) {
  const bool is_same = now.value == known.value && now.series == known.series;
  if (is_same && now.when == known.when) return;
  if (now.when != known.when) too_old_ = Time::min();  // the oldest events have changed
  if (!is_same) ++state_.corrections;
  edit(known.series).series.subtract(known.value, family.bounds);
  count(family, now);
  store_.events().change(id, family.id, now);
}

void Draft::count(const OpenFamily& family, const StoredEvent& event) {
  auto& series = edit(event.series).series;
  series.add(event.value, family.bounds);
  series.newest = std::max(series.newest, event.when);
}

void Draft::ensure(OpenFamily& family, std::string_view labels) {
  auto series = find_series(family, labels);
  if (series == 0 && !has_room_for_series()) {
    ++state_.dropped;
    return;
  }
  if (series == 0) series = create_series(family, labels);
  auto& newest = edit(series).series.newest;
  newest = std::max(newest, newest_);
}

void Draft::replace_window(Time from, Time to, std::span<const MetricView> families) {
  Window window{from, to, families.empty(), {}};
  for (const auto& metric : families) {
    const auto key_without_bounds = family_key(metric, {});
    for (const auto& [key, family] : book_.families) {
      if (key.substr(0, key.find(' ')) == key_without_bounds) window.families.push_back(family.id);
    }
  }
  windows_.push_back(std::move(window));
}

void Draft::set_metadata(std::string_view key, std::string_view text) {
  state_.metadata += store_.put_metadata(key, text);
}

std::int64_t Draft::find_series(const OpenFamily& family, std::string_view labels) const {
  if (family.known != nullptr) {
    const auto at = family.known->series.find(labels);
    if (at != family.known->series.end()) return at->second.id;
  }
  const auto at = family.created.find(labels);
  return at == family.created.end() ? 0 : at->second;
}

std::int64_t Draft::create_series(OpenFamily& family, std::string_view labels) {
  const auto id = store_.new_series();
  const auto cells = family.bounds.empty() ? 1 : family.bounds.size() + 2;
  const auto at = family.created.emplace(labels, id).first;
  copies_[id] = {
      family.id, &family.bounds, &at->first, {id, Time::min(), std::vector<Cell>(cells)}};
  ++created_;
  return id;
}

std::int64_t Draft::family_of(std::int64_t series) const {
  const auto copy = copies_.find(series);
  return copy != copies_.end() ? copy->second.family : book_.places.at(series).family->id;
}

bool Draft::has_room_for_series() const {
  return book_.places.size() + created_ < options_.max_series;
}

/// Among the oldest events none is replaced by another; but an event that is not ahead replaces
/// those that are.
bool Draft::make_room(Time when) {
  if (state_.open_events < options_.max_open_events) return true;
  const bool is_ahead = when > limit_;
  if (state_.open_events == 0 || (when <= too_old_ && is_ahead == (too_old_ > limit_)))
    return false;
  const auto last = store_.events().oldest(std::max<std::int64_t>(1, state_.open_events / 16));
  if (last < when) {
    compacted(store_.events().delete_before(last + kNext));
    state_.timeline.compact_until(last, newest_, now_, limit_);
  } else if (!is_ahead && last > limit_) {
    const auto end = *store_.events().newest_until(Time::max()) + kNext;
    compacted(store_.events().delete_between(limit_ + kNext, end));
    state_.timeline.pass_over(end, now_);
  } else {
    too_old_ = last;
    return false;
  }
  too_old_ = Time::min();
  return true;
}

void Draft::compacted(std::int64_t events) {
  state_.open_events -= events;
  state_.compacted_early += events;
}

/// This run's own copy of a series.
Draft::Copy& Draft::edit(std::int64_t series) {
  const auto [at, is_new] = copies_.try_emplace(series);
  if (is_new) {
    const auto& place = book_.places.at(series);
    at->second = {place.family->id, &place.family->bounds, &place.entry->first,
                  place.entry->second};
  }
  return at->second;
}

// ---- the commit

void Draft::finish() {
  clear_windows();
  for (auto& [id, copy] : copies_) {
    for (auto& cell : copy.series.cells) cell.shown = std::max(cell.shown, cell.truth);
  }
  advance();
  for (const auto& [id, copy] : copies_) store_.put_series(copy.family, *copy.labels, copy.series);
  prepare_publishing();
  state_.written = now_;
  state_.series = std::ssize(book_.places) + std::ssize(new_places_) - std::ssize(dropped_);
  store_.put(state_);
  store_.shrink();
}

void Draft::clear_windows() {
  std::ranges::sort(reported_rows_);
  for (const auto& window : windows_) clear_window(window);
}

void Draft::clear_window(const Window& window) {
  const auto from = std::max(window.from, state_.timeline.watermark);
  if (from >= window.to) return;
  store_.events().each(from, window.to, [&](std::string_view id, StoredEvent& event) {
    if (!event.value.number || std::ranges::binary_search(reported_rows_, event.row)) return;
    const auto family = family_of(event.series);
    const bool is_of_it =
        window.is_of_all || std::ranges::find(window.families, family) != window.families.end();
    if (!is_of_it) return;
    auto& copy = edit(event.series);
    copy.series.subtract(event.value, *copy.bounds);
    event.value = {};
    store_.events().change(id, family, event);
    ++state_.corrections;
  });
}

void Draft::advance() {
  auto& timeline = state_.timeline;
  // Events that were ahead when they were reported may no longer be.
  if (store_.events().farthest() > newest_) {
    newest_ = std::max(newest_, store_.events().newest_until(limit_).value_or(newest_));
  }
  timeline.advance(newest_, options_.allowed_lateness, options_.retention);
  if (timeline.watermark == committed_watermark_) return;
  state_.open_events -= store_.events().delete_before(timeline.watermark);
  drop_series(timeline.retained_from(options_.retention));
}

void Draft::drop_series(Time before) {
  for (const auto& [id, place] : book_.places) {
    const auto copy = copies_.find(id);
    const auto& series = copy == copies_.end() ? place.entry->second : copy->second.series;
    if (series.newest >= before) continue;
    store_.delete_series(id);
    dropped_.push_back(id);
  }
  std::erase_if(copies_, [&](const auto& entry) { return entry.second.series.newest < before; });
}

/// Makes all allocations that publish() needs, so that it cannot fail.
void Draft::prepare_publishing() {
  for (const auto& family : families_) {
    auto* target = family.known;
    if (target == nullptr) {
      target = &new_families_[family.key];
      *target = {family.id, family.bounds, {}};
    }
    SeriesByLabels series;
    for (const auto& [labels, id] : family.created) {
      const auto copy = copies_.find(id);
      if (copy != copies_.end()) series.emplace(labels, copy->second.series);
    }
    auto& entries = new_series_.emplace_back(target, std::move(series)).second;
    for (auto& entry : entries) new_places_[entry.second.id] = {target, &entry};
  }
  book_.places.reserve(book_.places.size() + new_places_.size());
}

void Draft::publish(State& state) noexcept {
  for (auto& [id, copy] : copies_) {
    const auto at = book_.places.find(id);
    if (at != book_.places.end()) at->second.entry->second = std::move(copy.series);
  }
  for (auto& [family, series] : new_series_) family->series.merge(series);
  book_.families.merge(new_families_);
  book_.places.merge(new_places_);
  for (const auto id : dropped_) {
    const auto at = book_.places.find(id);
    auto& series = at->second.family->series;
    series.erase(series.find(at->second.entry->first));
    book_.places.erase(at);
  }
  state = state_;
}

}  // namespace exporter::ledger
