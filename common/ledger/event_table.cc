#include "common/ledger/event_table.h"

#include <algorithm>
#include <array>
#include <utility>

#include "common/ledger/checksum.h"

namespace exporter::ledger {
namespace {

enum Column { kId, kSeries, kHappened, kValue, kCounts, kChecksum, kRow };
constexpr const char* kSelect =
    "SELECT id, series, happened, value, counts, checksum, row FROM event ";

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time(std::int64_t count) { return Time(Time::duration(count)); }

std::int64_t checksum_of(std::string_view id, const StoredEvent& event) {
  return Checksum()
      .add(event.row)
      .add(id)
      .add(event.series)
      .add(count(event.when))
      .add(event.value.number)
      .add(std::string_view(event.value.counts))
      .value();
}

/// Ignores the last columns of kSelect.
StoredEvent read(const Row& columns, std::int64_t row) {
  return {row,
          columns.integer(kSeries),
          time(columns.integer(kHappened)),
          {columns.real(kValue), std::string(columns.text(kCounts))}};
}

}  // namespace

EventTable::EventTable(const Database& database)
    : database_(database),
      read_(database.prepare("SELECT id, series, happened, value, counts FROM event "
                             "WHERE row = ?")),
      add_(database.prepare("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?)")),
      change_(database.prepare("UPDATE event SET id = ?, series = ?, happened = ?, value = ?, "
                               "counts = ?, checksum = ? WHERE row = ?")),
      delete_(database.prepare("DELETE FROM event WHERE row = ?")),
      delete_between_(database.prepare("DELETE FROM event WHERE row >= ? AND row < ? AND "
                                       "happened >= ? AND happened < ?")),
      read_newest_(database.prepare("SELECT happened FROM event WHERE row >= ? AND row < ? AND "
                                    "happened <= ? ORDER BY happened DESC LIMIT 1")),
      read_times_(database.prepare("SELECT happened FROM event WHERE row >= ? AND row < ?")) {}

std::int64_t EventTable::load(std::int64_t expected, const Book& book) {
  EventIndex index(static_cast<std::size_t>(std::max<std::int64_t>(expected, 0)));
  EventBlocks blocks;
  std::int64_t rows = 0;
  std::array<std::pair<std::uint64_t, std::int64_t>, 32> fetched{};  // hashes and their rows
  const auto replace = [&](std::size_t at, std::uint64_t hash, std::int64_t row) {
    if (index.full()) index.grow([](std::int64_t) { return true; });
    if (fetched[at].second != 0) index.add(fetched[at].first, fetched[at].second);
    fetched[at] = {hash, row};
  };
  const auto use = [&](const Row& columns) {
    const auto event = read_sound(columns);
    const auto place = book.places.find(event.series);
    database_.insist_sound(place != book.places.end());
    database_.insist_sound(blocks.note(event.row, event.when));
    const auto hash = EventIndex::hash(columns.text(kId), place->second.family->id);
    index.prefetch(hash);
    replace(static_cast<std::size_t>(rows++) % fetched.size(), hash, event.row);
    farthest_ = std::max(farthest_, event.when);
  };
  database_.prepare(std::string(kSelect) + "ORDER BY row").each(use);
  for (std::size_t at = 0; at < fetched.size(); ++at) replace(at, 0, 0);
  index_ = std::move(index);
  blocks_ = std::move(blocks);
  return rows;
}

StoredEvent EventTable::read_sound(const Row& columns) const {
  auto event = read(columns, columns.integer(kRow));
  database_.insist_sound(columns.integer(kChecksum) == checksum_of(columns.text(kId), event));
  return event;
}

std::optional<StoredEvent> EventTable::find(std::string_view id, std::int64_t family,
                                            std::int64_t series,
                                            const std::function<bool(std::int64_t)>& is_of_it) {
  database_.insist_on_transaction();
  std::optional<StoredEvent> found;
  std::vector<std::int64_t> gone;
  const auto hash = EventIndex::hash(id, family);
  index_.find(hash, [&](std::int64_t row) {
    bool is_there = false;
    const auto use = [&](const Row& columns) {
      is_there = true;
      if (columns.text(kId) != id) return;
      const bool is_preferred = columns.integer(kSeries) == series;
      if (is_preferred || (!found && is_of_it(columns.integer(kSeries))))
        found = read(columns, row);
    };
    read_.each(use, row);
    if (!is_there) gone.push_back(row);
    return found && found->series == series;
  });
  // Rolled back runs may have left many. Rows that this one deleted may come back.
  if (!has_deleted_) {
    for (const auto row : gone) index_.erase(hash, row);
  }
  return found;
}

void EventTable::add(std::string_view id, std::int64_t family, StoredEvent& event) {
  database_.insist_on_transaction();
  event.row = blocks_.next_row(event.when);
  add_.run(event.row, id, event.series, count(event.when), event.value.number,
           std::string_view(event.value.counts), checksum_of(id, event));
  farthest_ = std::max(farthest_, event.when);
  if (index_.full()) index_.grow([&](std::int64_t row) { return blocks_.has(row); });
  index_.add(EventIndex::hash(id, family), event.row);
}

void EventTable::change(std::string_view id, std::int64_t family, StoredEvent& event) {
  database_.insist_on_transaction();
  if (!blocks_.has(event.row, event.when)) {
    has_deleted_ = true;
    delete_.run(event.row);
    return add(id, family, event);
  }
  change_.run(id, event.series, count(event.when), event.value.number,
              std::string_view(event.value.counts), checksum_of(id, event), event.row);
  farthest_ = std::max(farthest_, event.when);
}

std::optional<Time> EventTable::newest_until(Time limit) {
  std::optional<Time> newest;
  std::int64_t period = 0;
  const auto blocks = blocks_.between(Time::min(), limit);
  for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
    if (newest && block->period != period) break;
    const auto use = [&](const Row& row) {
      newest = std::max(newest.value_or(Time::min()), time(row.integer(0)));
      period = block->period;
    };
    read_newest_.each(use, block->first, block->end, count(limit));
  }
  return newest;
}

Time EventTable::oldest(std::int64_t number) {
  std::vector<Time> times;  // of one period
  std::int64_t period = 0, older = 0;
  for (const auto& block : blocks_.between(Time::min(), Time::max())) {
    if (block.period != period) {
      if (older + std::ssize(times) >= number) break;
      older += std::ssize(times);
      times.clear();
      period = block.period;
    }
    read_times_.each([&](const Row& row) { times.push_back(time(row.integer(0))); }, block.first,
                     block.end);
  }
  const auto found = times.begin() + (number - older - 1);
  std::ranges::nth_element(times, found);
  return *found;
}

void EventTable::each(Time from, Time to,
                      const std::function<void(std::string_view, StoredEvent&)>& use) {
  database_.insist_on_transaction();
  auto statement = database_.prepare(
      std::string(kSelect) + "WHERE row >= ? AND row < ? AND happened >= ? AND happened < ?");
  const auto take = [&](const Row& columns) {
    auto event = read_sound(columns);
    use(columns.text(kId), event);
  };
  for (const auto& block : blocks_.between(from, to)) {
    statement.each(take, block.first, block.end, count(from), count(to));
  }
}

std::int64_t EventTable::delete_between(Time from, Time to) {
  database_.insist_on_transaction();
  deleted_before_ = std::max(deleted_before_, to);
  has_deleted_ = true;
  std::int64_t deleted = 0;
  for (const auto& block : blocks_.between(from, to)) {
    delete_between_.run(block.first, block.end, count(from), count(to));
    deleted += database_.changes();
  }
  return deleted;
}

void EventTable::prepare_commit() {
  empty_.clear();
  if (deleted_before_ == Time::min()) return;
  auto read = database_.prepare("SELECT 1 FROM event WHERE row >= ? AND row < ? LIMIT 1");
  for (const auto& block : blocks_.between(Time::min(), deleted_before_)) {
    bool is_empty = true;
    read.each([&](const Row&) { is_empty = false; }, block.first, block.end);
    if (is_empty) empty_.push_back(block);
  }
}

void EventTable::committed() noexcept {
  for (const auto& block : empty_) blocks_.forget(block);
  rolled_back();
}

}  // namespace exporter::ledger
