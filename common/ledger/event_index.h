#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace exporter::ledger {

/// Finds events in their table: maps the hash of an event to the rows that may be its own. It
/// contains every row that was added, but may also contain other or deleted rows, so the caller
/// checks the row. A rollback therefore has nothing to undo.
class EventIndex {
 public:
  /// Has room for these rows and 20 % more.
  explicit EventIndex(std::size_t rows = 0) : slots_(slots_for(rows)) {}

  static std::uint64_t hash(std::string_view id, std::int64_t family) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    auto mixed = std::hash<std::string_view>{}(id) ^ static_cast<std::uint64_t>(family) * kGolden;
    mixed = (mixed ^ mixed >> 32) * kGolden;
    return mixed ^ mixed >> 32;
  }

  bool full() const { return used_ * 4 >= slots_.size() * 3; }

  /// Prefetches the slot of that hash: startup spends most of its time waiting for memory.
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[home(upper(hash))], 1); }

  /// Requires that it is not full; rows are positive.
  void add(std::uint64_t hash, std::int64_t row) { put(upper(hash), row); }

  /// Removes that row with that hash.
  void erase(std::uint64_t hash, std::int64_t row) {
    const auto erased = upper(hash);
    auto hole = home(erased);
    while (slots_[hole].row() != row || slots_[hole].hash != erased) {
      if (slots_[hole].row() == 0) return;
      hole = next(hole);
    }
    // Moves entries that could not be found behind the hole into it.
    for (auto at = next(hole); slots_[at].row() != 0; at = next(at)) {
      if (steps(home(slots_[at].hash), at) < steps(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
    --used_;
  }

  /// Makes room, and drops the rows that were deleted.
  template <class Has>
  void grow(Has&& has) {
    const auto is_kept = [&](const Slot& slot) { return slot.row() != 0 && has(slot.row()); };
    const auto count = std::count_if(slots_.begin(), slots_.end(), is_kept);
    EventIndex larger(static_cast<std::size_t>(count));
    for (const auto& slot : slots_) {
      if (is_kept(slot)) larger.put(slot.hash, slot.row());
    }
    *this = std::move(larger);
  }

  /// Calls `is_it(row)` with the rows that have that hash until it returns true.
  template <class IsIt>
  void find(std::uint64_t hash, IsIt&& is_it) const {
    const auto wanted = upper(hash);
    for (auto at = home(wanted); slots_[at].row() != 0; at = next(at)) {
      if (slots_[at].hash == wanted && is_it(slots_[at].row())) return;
    }
  }

 private:
  /// Twelve bytes, because there are more slots than events.
  struct Slot {
    std::uint32_t hash = 0, row_low = 0, row_high = 0;
    std::int64_t row() const {
      return static_cast<std::int64_t>(std::uint64_t{row_high} << 32 | row_low);
    }
  };

  static std::size_t slots_for(std::size_t rows) { return std::max<std::size_t>(64, rows * 8 / 5); }
  static std::uint32_t upper(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
  std::size_t home(std::uint32_t hash) const {
    return static_cast<std::size_t>(std::uint64_t{hash} * slots_.size() >> 32);
  }
  std::size_t next(std::size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
  std::size_t steps(std::size_t from, std::size_t to) const {
    return to >= from ? to - from : to + slots_.size() - from;
  }

  void put(std::uint32_t hash, std::int64_t row) {
    auto at = home(hash);
    while (slots_[at].row() != 0) at = next(at);
    const auto bits = static_cast<std::uint64_t>(row);
    slots_[at] = {hash, static_cast<std::uint32_t>(bits), static_cast<std::uint32_t>(bits >> 32)};
    ++used_;
  }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace exporter::ledger
