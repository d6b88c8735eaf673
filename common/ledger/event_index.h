#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace exporter::ledger {

/// Where the reports of events stand in their table: from the hash of an event and its series to
/// the rows that may be theirs. It names each row that was added, and may name others, or ones that
/// are gone: who asks looks at the row. So a transaction that is rolled back leaves nothing to
/// undo.
class EventIndex {
 public:
  /// With room for an eighth more rows than these, and for 48 at least.
  explicit EventIndex(std::size_t rows = 0)
      : slots_(std::bit_ceil(std::max<std::size_t>(64, rows + rows / 2))) {}

  /// Every bit of it depends on both: an event may be in as many series as there are.
  static std::uint64_t hash(std::string_view event, std::int64_t series) {
    constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
    auto mixed =
        std::hash<std::string_view>{}(event) ^ static_cast<std::uint64_t>(series) * kGolden;
    mixed = (mixed ^ mixed >> 32) * kGolden;
    return mixed ^ mixed >> 32;
  }

  bool full() const { return used_ * 4 >= slots_.size() * 3; }

  /// Only while it is not full; rows are positive.
  void add(std::uint64_t hash, std::int64_t row) {
    auto at = hash & mask();
    while (slots_[at].row != 0) at = (at + 1) & mask();
    slots_[at] = {hash, row};
    ++used_;
  }

  /// Calls `is_it(row)` with the rows of that hash until it answers true.
  template <class IsIt>
  void find(std::uint64_t hash, IsIt&& is_it) const {
    for (auto at = hash & mask(); slots_[at].row != 0; at = (at + 1) & mask()) {
      if (slots_[at].hash == hash && is_it(slots_[at].row)) return;
    }
  }

 private:
  struct Slot {
    std::uint64_t hash = 0;
    std::int64_t row = 0;  ///< 0: free
  };
  std::size_t mask() const { return slots_.size() - 1; }

  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

}  // namespace exporter::ledger
