#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/collect/collector.h"
#include "common/ledger/ledger.h"

namespace exporter {

/// The ledgers of a process by their names: collectors of an old and of a new configuration share
/// them. Safe to use from several threads.
class Ledgers {
 public:
  /// Without a folder they are in memory.
  explicit Ledgers(std::filesystem::path state_dir) : state_dir_(std::move(state_dir)) {}

  /// The open one of that name, which takes these options from its next run on, or a new one.
  /// Throws as Ledger's constructor does. Those that nobody holds any more are closed here.
  std::shared_ptr<Ledger> open(const std::string& name, const Ledger::Options& options);

  /// Adds exporter_ledger_* of the ledgers that somebody holds.
  void add_to(Samples& samples) const;
  static std::vector<MetricView> metrics();

 private:
  const std::filesystem::path state_dir_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Ledger>> ledgers_;
};

/// The collector "ledger": what the ledgers say of themselves.
Collector make_ledger(std::shared_ptr<const Ledgers> ledgers);

}  // namespace exporter
