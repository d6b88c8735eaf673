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

/// The stored part of an event, without its id.
struct StoredEvent {
  std::int64_t row = 0, series = 0;
  Time when;
  EventValue value;
};

/// The events that may still be corrected. Their index is in memory: ids are random, so an index in
/// the file would spread each commit over all of it. Throws as Database does, and an UnusableFile
/// for a row with a wrong checksum.
class EventTable {
 public:
  /// The database must outlive it.
  explicit EventTable(const Database& database);

  /// Reads and checks all events, whose series must be in the book; returns their number.
  std::int64_t load(std::int64_t expected, const Book& book);

  // The following functions require an open transaction.

  /// The event with that id in a series of the family, as decided by `is_of_it`. Files of format 1
  /// may have several; the one in `series` is preferred.
  std::optional<StoredEvent> find(std::string_view id, std::int64_t family, std::int64_t series,
                                  const std::function<bool(std::int64_t)>& is_of_it);
  /// Adds the event and sets its row.
  void add(std::string_view id, std::int64_t family, StoredEvent& event);
  /// Replaces what is stored in `event.row`; may change the row.
  void change(std::string_view id, std::int64_t family, StoredEvent& event);

  /// No event is newer than this.
  Time farthest() const { return farthest_; }
  /// The newest event that happened until `limit`, if any.
  std::optional<Time> newest_until(Time limit);
  /// The time of the `number`-th oldest event, which must exist.
  Time oldest(std::int64_t number);
  /// Calls `use(id, event)` with the events that happened from `from` until before `to`; it may
  /// change anything in an event except its time.
  void each(Time from, Time to, const std::function<void(std::string_view, StoredEvent&)>& use);
  /// Deletes the events that happened from `from` until before `to`; returns their number.
  std::int64_t delete_between(Time from, Time to);
  std::int64_t delete_before(Time when) { return delete_between(Time::min(), when); }
  /// Call these before and after a commit, and after a rollback.
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
  Time deleted_before_ = Time::min();      ///< in this transaction
  bool has_deleted_ = false;               ///< in this transaction, any row
  std::vector<EventBlocks::Block> empty_;  ///< in this transaction
};

}  // namespace exporter::ledger
