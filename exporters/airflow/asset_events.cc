#include "exporters/airflow/asset_events.h"

#include <algorithm>

#include "exporters/airflow/list.h"

namespace exporter::airflow {
namespace {

/// How long after its time an event may become visible.
constexpr auto kOverlap = std::chrono::seconds(60);
constexpr std::size_t kFirstPages = 10;

class Reader {
 public:
  Reader(const AssetEvents& events, std::size_t most_requests)
      : events_(events), requests_left_(most_requests) {}

  EventsRead read(const EventPosition& position);

 private:
  std::optional<EventPage> ask(Time since, EventOrder order, std::size_t offset);
  void read_since();
  void read_listed();
  bool read_newest();
  void settle(Time reached);
  void complete(std::size_t total);
  bool is_first() const { return read_.position.time == Time(); }

  const AssetEvents& events_;
  std::size_t requests_left_;
  Time time_;  // the server's clock at the first request: what it did not show yet is newer
  EventsRead read_;
};

EventsRead Reader::read(const EventPosition& position) {
  read_.position = position;
  try {
    if (events_.has_time_filter) {
      read_since();
    } else if (!read_newest()) {
      read_listed();
    }
  } catch (const Error& error) {
    read_.failure = error;
  }
  return std::move(read_);
}

/// Nothing when no request is left.
std::optional<EventPage> Reader::ask(Time since, EventOrder order, std::size_t offset) {
  if (requests_left_ == 0) return std::nullopt;
  --requests_left_;
  auto page = events_.page(since, order, offset);
  if (time_ == Time()) time_ = page.time;
  read_.events.insert(read_.events.end(), page.rows.begin(), page.rows.end());
  return page;
}

void Reader::settle(Time reached) {
  auto& time = read_.position.time;
  time = std::max(time, std::min(reached, time_ - Time::duration(kOverlap)));
}

void Reader::complete(std::size_t total) {
  const auto until = time_ - Time::duration(kOverlap);
  const auto newer =
      std::ranges::count_if(read_.events, [&](const auto& event) { return event.time > until; });
  read_.position = {until, total - std::min(total, static_cast<std::size_t>(newer))};
}

/// Each page begins at the time of the last row before; by offset alone where a page has one time.
void Reader::read_since() {
  const auto now = Ledger::wall_clock();
  auto since = is_first() ? now - Time::duration(kOverlap) : read_.position.time;
  for (std::size_t offset = 0;;) {
    const auto page = ask(since, EventOrder::oldest_first, offset);
    if (!page) return;
    offset += page->received;
    if (page->received == 0 || offset >= page->total) return complete(page->total);
    if (page->rows.empty()) continue;
    const Time last = std::chrono::floor<std::chrono::milliseconds>(page->rows.back().time);
    if (last > since) {
      since = last;
      offset = 0;
    }
    settle(last);
  }
}

/// Whether what is new is among the newest; what was read is dropped otherwise.
bool Reader::read_newest() {
  const auto from = read_.position.time;
  std::size_t offset = 0;
  for (std::size_t pages = is_first() ? kFirstPages : 1; pages > 0; --pages) {
    const auto page = ask({}, EventOrder::newest_first, offset);
    if (!page) return false;
    const bool is_old = !page->rows.empty() && page->rows.back().time <= from;
    const bool is_last = page->received == 0 || offset + page->received >= page->total;
    const bool is_enough = is_first() && pages == 1;
    if (is_old || is_last || is_enough) {
      complete(page->total);
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
/// joins what was read before.
void Reader::read_listed() {
  auto& index = read_.position.index;
  auto reached = read_.position.time;
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
      return complete(page->total);
    }
    offset += next_start(*page);
    index = offset;
    settle(reached);
  }
}

}  // namespace

EventsRead read_events(const AssetEvents& events, const EventPosition& position,
                       std::size_t most_requests) {
  return Reader(events, most_requests).read(position);
}

}  // namespace exporter::airflow
