#include "exporters/airflow/asset_events.h"

#include <algorithm>

#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

/// How long after its time an event may become visible: nearly every one, and every one.
constexpr Time::duration kOverlap = std::chrono::seconds(60), kLatest = std::chrono::minutes(11);
constexpr Time::duration kPause = std::chrono::minutes(10);
constexpr std::size_t kFirstPages = 10;

/// Which events are read: the newest, or once more those that are old enough for all to be visible.
enum class Part { recent, late };

constexpr Time::duration overlap_of(Part part) { return part == Part::recent ? kOverlap : kLatest; }

class Reader {
 public:
  Reader(const AssetEvents& events, Time newest, std::size_t most_requests)
      : events_(events), newest_(newest), requests_left_(most_requests) {}

  EventsRead read(const EventPositions& position);

 private:
  std::optional<EventPage> ask(Time since, EventOrder order, std::size_t offset);
  void read_filtered();
  bool read_since(Time since, Part part, std::size_t pages);
  void read_unfiltered();
  bool read_newest();
  bool read_listed(Part part);
  EventPosition& position_of(Part part);
  void settle(Time reached, Part part);
  void complete(std::size_t total, Part part, std::size_t first);
  bool is_first() const { return read_.position.recent.time == Time(); }
  bool is_ahead() const { return read_.position.recent.time > read_.time + Ledger::kMaxAhead; }
  bool is_late_due() const;

  const AssetEvents& events_;
  const Time newest_;
  std::size_t requests_left_;
  EventsRead read_;  // its time is that of the first request: what that did not show yet is newer
};

EventsRead Reader::read(const EventPositions& position) {
  read_.position = position;
  try {
    if (events_.has_time_filter) {
      read_filtered();
    } else {
      read_unfiltered();
    }
  } catch (const Error& error) {
    read_.failure = error;
  }
  auto& [recent, late] = read_.position;
  if (late.time == Time()) late = recent;
  return std::move(read_);
}

/// Nothing when no request is left, or the position is ahead.
std::optional<EventPage> Reader::ask(Time since, EventOrder order, std::size_t offset) {
  if (requests_left_ == 0) return std::nullopt;
  --requests_left_;
  auto page = events_.page(since, order, offset);
  if (read_.time == Time()) read_.time = page.time;
  if (is_ahead()) {
    auto& [recent, late] = read_.position;
    recent.time = late.time = newest_;
    requests_left_ = 0;
    return std::nullopt;
  }
  read_.events.insert(read_.events.end(), page.rows.begin(), page.rows.end());
  return page;
}

EventPosition& Reader::position_of(Part part) {
  return part == Part::recent ? read_.position.recent : read_.position.late;
}

void Reader::settle(Time reached, Part part) {
  auto& time = position_of(part).time;
  time = std::max(time, std::min(reached, read_.time - overlap_of(part)));
}

/// The events read, from the first of these on, are the newest of all.
void Reader::complete(std::size_t total, Part part, std::size_t first) {
  const auto until = read_.time - overlap_of(part);
  if (part == Part::late && until <= read_.position.late.time) return;
  const auto newer = static_cast<std::size_t>(
      std::count_if(read_.events.begin() + static_cast<std::ptrdiff_t>(first), read_.events.end(),
                    [&](const auto& event) { return event.time > until; }));
  position_of(part) = {until, total - std::min(total, newer)};
}

bool Reader::is_late_due() const {
  const auto& [recent, late] = read_.position;
  return late.time != Time() && recent.time + kOverlap - kLatest - late.time >= kPause;
}

/// What is late is asked for first: one page has all that is recent, too, where little happens.
void Reader::read_filtered() {
  const auto& [recent, late] = read_.position;
  const bool is_due = is_late_due();
  if (is_due && read_since(late.time, Part::late, 1)) return settle(read_.time, Part::recent);
  const auto from = is_first() ? Ledger::wall_clock() - kOverlap : recent.time;
  if (!read_since(from, Part::recent, requests_left_)) return;
  if (is_due && is_late_due()) read_since(late.time, Part::late, requests_left_);
}

/// Each page begins at the time of the last row before; by offset alone where a page has one time.
/// Whether all events since then are read.
bool Reader::read_since(Time since, Part part, std::size_t pages) {
  for (std::size_t offset = 0; pages > 0; --pages) {
    const auto page = ask(since, EventOrder::oldest_first, offset);
    if (!page) return false;
    offset += page->received;
    if (page->received == 0 || offset >= page->total) {
      settle(read_.time, part);
      return true;
    }
    if (page->rows.empty()) continue;
    const Time last = std::chrono::floor<std::chrono::milliseconds>(page->rows.back().time);
    if (last > since) {
      since = last;
      offset = 0;
    }
    settle(last, part);
    if (part == Part::late && last > read_.time - kLatest) return false;
  }
  return false;
}

void Reader::read_unfiltered() {
  if (!read_newest() && !read_listed(Part::recent)) return;
  if (is_late_due()) read_listed(Part::late);
}

/// Whether what is new is among the newest; what was read is dropped otherwise.
bool Reader::read_newest() {
  const auto [recent, late] = read_.position;
  std::size_t offset = 0;
  for (std::size_t pages = is_first() ? kFirstPages : 1; pages > 0; --pages) {
    const auto page = ask({}, EventOrder::newest_first, offset);
    if (!page) return false;
    const auto reaches = [&](Time time) {
      return !page->rows.empty() && page->rows.back().time <= time;
    };
    const bool is_last = page->received == 0 || offset + page->received >= page->total;
    const bool is_enough = is_first() && pages == 1;
    if (reaches(recent.time) || is_last || is_enough) {
      complete(page->total, Part::recent, 0);
      if (reaches(late.time) || is_last) complete(page->total, Part::late, 0);
      return true;
    }
    offset += page->received;
  }
  read_.events.clear();
  return false;
}

/// Whether nothing was skipped before the page: it begins with what was read before. Events of one
/// moment have no order among themselves.
bool is_joined(const EventPage& page, Time reached) {
  if (page.rows.empty()) return false;
  const auto first = page.rows.front().time;
  return first < reached || (first == reached && page.rows.back().time == first);
}

/// From where in the page the next one is to begin: before the events of its last moment, as these
/// may go on there.
std::size_t next_start(const EventPage& page) {
  if (page.rows.empty()) return page.received;
  const auto last = page.rows.back().time;
  const auto before =
      std::ranges::count_if(page.rows, [&](const auto& event) { return event.time < last; });
  return before > 1 ? static_cast<std::size_t>(before - 1) : page.received;
}

/// From the index on. When old events were deleted, it is too far: then it goes back until a page
/// joins what was read before. Whether all that is to be read is read.
bool Reader::read_listed(Part part) {
  auto& [time, index] = position_of(part);
  const auto first = read_.events.size();
  auto reached = time;
  std::size_t offset = index - std::min<std::size_t>(index, 1), back = kPage;
  while (const auto page = ask({}, EventOrder::oldest_first, offset)) {
    if (offset > 0 && !is_joined(*page, reached)) {
      offset -= std::min(offset, back);
      back *= 2;
      continue;
    }
    back = kPage;
    if (!page->rows.empty()) reached = std::max(reached, page->rows.back().time);
    if (page->received == 0 || offset + page->received >= page->total) {
      complete(page->total, part, first);
      return true;
    }
    const auto start = offset;
    offset += next_start(*page);
    index = offset;
    settle(reached, part);
    if (part == Part::late && reached > time) {
      const auto is_read = [&](const auto& event) { return event.time <= time; };
      index = start + static_cast<std::size_t>(std::ranges::count_if(page->rows, is_read));
      return true;
    }
  }
  return false;
}

}  // namespace

EventsRead read_events(const AssetEvents& events, const EventPositions& position, Time newest,
                       std::size_t most_requests) {
  return Reader(events, newest, most_requests).read(position);
}

}  // namespace exporter::airflow
