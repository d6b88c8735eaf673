#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "common/ledger/timeline.h"

namespace exporter::ledger {

/// Assigns rows to events, in blocks of 1,024; the events of a block happened within the same 18
/// minutes. So compaction and windows read only their part of the table, a commit writes few pages,
/// and row numbers stay small, which makes lookups fast.
class EventBlocks {
 public:
  struct Block {
    std::int64_t period, first, end;  ///< rows from `first` until before `end`
  };

  /// A row for a new event that happened then; never returns a row twice.
  std::int64_t next_row(Time when) {
    auto& period = periods_[period_of(when)];
    if (period.next % kRows == 0) {
      period.next = ++last_block_ * kRows;
      period.blocks.push_back(last_block_);
      period_of_block_[last_block_] = period_of(when);
    }
    return period.next++;
  }

  /// Records that an event that happened then has the row; call it in the order of rows. False if
  /// the row's block belongs to another period.
  bool note(std::int64_t row, Time when) {
    const auto block = row / kRows;
    auto& period = periods_[period_of(when)];
    period.next = row + 1;
    last_block_ = std::max(last_block_, block);
    const auto [at, is_new] = period_of_block_.try_emplace(block, period_of(when));
    if (is_new) period.blocks.push_back(block);
    return at->second == period_of(when);
  }

  /// Whether the row may have an event, or one that happened then.
  bool has(std::int64_t row) const { return period_of_block_.contains(row / kRows); }
  bool has(std::int64_t row, Time when) const {
    const auto at = period_of_block_.find(row / kRows);
    return at != period_of_block_.end() && at->second == period_of(when);
  }

  /// The blocks that may have events from `from` until `to`, the oldest first.
  std::vector<Block> between(Time from, Time to) const {
    std::vector<Block> found;
    if (to < from) return found;
    const auto end = periods_.upper_bound(period_of(to));
    for (auto at = periods_.lower_bound(period_of(from)); at != end; ++at) {
      for (const auto block : at->second.blocks) {
        found.push_back({at->first, block * kRows, (block + 1) * kRows});
      }
    }
    return found;
  }

  /// Records that the block has no events left.
  void forget(const Block& block) noexcept {
    const auto period = periods_.find(block.period);
    if (period == periods_.end()) return;
    period_of_block_.erase(block.first / kRows);
    std::erase(period->second.blocks, block.first / kRows);
    if (period->second.next > block.first && period->second.next < block.end) {
      period->second.next = 0;
    }
    if (period->second.blocks.empty()) periods_.erase(period);
  }

 private:
  static constexpr std::int64_t kRows = 1024;
  struct Period {
    std::vector<std::int64_t> blocks;
    std::int64_t next = 0;  ///< row; at the start of a block: none
  };
  static std::int64_t period_of(Time when) { return when.time_since_epoch().count() >> 30; }

  std::map<std::int64_t, Period> periods_;
  std::unordered_map<std::int64_t, std::int64_t> period_of_block_;
  std::int64_t last_block_ = 0;
};

}  // namespace exporter::ledger
