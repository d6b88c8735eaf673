#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "common/ledger/database.h"
#include "common/ledger/event_blocks.h"
#include "common/ledger/event_index.h"
#include "common/ledger/series.h"
#include "common/ledger/timeline.h"

namespace exporter::ledger {

/// What is stored of an event beside its id.
struct StoredEvent {
  std::int64_t row = 0, series = 0;
  Time when;
  EventValue value;
};

/// The events that may still be corrected. Ids are random, and an index of them in the file would
/// spread each commit over all of it; so it is in memory. Throws as Database does, and an
/// UnusableFile for a row whose checksum is wrong.
class EventTable {
 public:
  /// The database outlives it.
  explicit EventTable(const Database& database);

  /// Reads and checks all, which are of series of the book; answers how many there are.
  std::int64_t load(std::int64_t expected, const Book& book);

  // What follows belongs into a transaction.

  /// The event of that id in a series of the family; `is_of_it` says of a series whether it is.
  /// Files of format 1 may have several; that in `series` is preferred.
  std::optional<StoredEvent> find(std::string_view id, std::int64_t family, std::int64_t series,
                                  const std::function<bool(std::int64_t)>& is_of_it);
  /// Adds it, in a row that is set.
  void add(std::string_view id, std::int64_t family, StoredEvent& event);
  /// Replaces what was stored in `event.row`; the row may become another.
  void change(std::string_view id, std::int64_t family, StoredEvent& event);

  /// No event is newer.
  Time farthest() const { return farthest_; }
  /// The newest event that happened until `limit`, if there is one.
  std::optional<Time> newest_until(Time limit);
  /// The time of the oldest event but `number` - 1; there are so many.
  Time oldest(std::int64_t number);
  /// Calls `use(id, event)` with the events that happened from `from` until before `to`; it may
  /// change all of an event but its time.
  void each(Time from, Time to, const std::function<void(std::string_view, StoredEvent&)>& use);
  /// Deletes the events that happened from `from` until before `to`; answers how many.
  std::int64_t delete_between(Time from, Time to);
  std::int64_t delete_before(Time when) { return delete_between(Time::min(), when); }
  /// Before and after the transaction is committed, and after it was rolled back.
  void prepare_commit();
  void committed() noexcept;
  void rolled_back() noexcept {
    deleted_before_ = Time::min();
    has_deleted_ = false;
  }

 private:
  StoredEvent read_sound(const Row& columns) const;

  const Database& database_;
  Statement read_, add_, change_, delete_, delete_between_, read_newest_, read_times_;
  EventIndex index_;
  Time farthest_ = Time::min();
  EventBlocks blocks_;
  Time deleted_before_ = Time::min();      ///< by this transaction
  bool has_deleted_ = false;               ///< it, a row
  std::vector<EventBlocks::Block> empty_;  ///< by it
};

}  // namespace exporter::ledger
