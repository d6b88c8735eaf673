#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "common/ledger/ledger.h"
#include "common/sql/statement.h"

namespace exporter::sql::business {

/// The campaigns that counters show by their names: the first ones, and for good, as an order that
/// went from one series to another would be counted twice. All others are "other". One without
/// orders for 90 days, as long as a ledger keeps its series, makes room.
class NamedCampaigns {
 public:
  explicit NamedCampaigns(std::size_t most) : most_(most) {}

  /// Those that the ledger has.
  void load(Ledger::Run& run);
  /// Gives the campaigns that had orders names as long as there is room, and writes what is new
  /// into the run. Whether a name came or went.
  bool decide(const std::map<std::string, double>& orders, Time now, Ledger::Run& run);

  /// The label as an expression of the columns campaign and ordered_at, whose parameters it adds.
  std::string expression(Parameters& parameters) const;

 private:
  struct Member {
    Time since;  ///< "other" before: it was counted so
    Time seen;
  };
  static void write(const std::string& name, const Member& member, Ledger::Run& run);

  std::size_t most_;
  std::map<std::string, Member> members_;
  bool was_full_ = false;
};

}  // namespace exporter::sql::business
