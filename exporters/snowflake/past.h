#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <vector>

#include "common/collect/past.h"
#include "common/ledger/past_counting.h"
#include "exporters/snowflake/account.h"
#include "exporters/snowflake/counting.h"
#include "exporters/snowflake/usage_statement.h"

namespace exporter::snowflake {

/// The past of a group, as far back as its views go: counters and daily gauges. Its statements may
/// cost up to `backfill_credits` of the account per day, in addition to what the exporter may
/// spend.
class Past {
 public:
  using Time = std::chrono::sys_seconds;

  /// Throws what require_usable() does, and what opening the group's ledger does: the past ends
  /// where that ledger starts.
  Past(Account& account, const Group& group, const PastRange& range);

  /// See ReadPast.
  void read(Time until, TimedSamples& page, const Deadline& deadline);

 private:
  /// The past of one statement, read once and in order.
  class Part;

  std::vector<std::shared_ptr<Part>> parts_;
};

}  // namespace exporter::snowflake
