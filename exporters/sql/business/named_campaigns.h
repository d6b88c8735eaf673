#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "common/ledger/ledger.h"
#include "common/sql/statement.h"

namespace exporter::sql::business {

/// The campaigns that counters show by name: the first ones, permanently, because an order that
/// moved to another series would be counted twice. All others are "other". A campaign without
/// orders for 90 days, the retention of a ledger's series, makes room.
class NamedCampaigns {
 public:
  explicit NamedCampaigns(std::size_t most) : most_(most) {}

  /// Loads them from the ledger.
  void load(Ledger::Run& run);
  /// Names campaigns with orders while there is room, and stores changes in the run. Returns
  /// whether there were any.
  bool decide(const std::map<std::string, double>& orders, Time now, Ledger::Run& run);

  /// The label as an SQL expression of the columns campaign and ordered_at; adds its parameters.
  std::string expression(Parameters& parameters) const;

 private:
  struct Member {
    Time since;  ///< earlier orders count as "other"
    Time seen;
  };
  bool go_back_to(Time now, Ledger::Run& run);
  static void write(const std::string& name, const Member& member, Ledger::Run& run);

  std::size_t most_;
  std::map<std::string, Member> members_;
  bool was_full_ = false;
};

}  // namespace exporter::sql::business
