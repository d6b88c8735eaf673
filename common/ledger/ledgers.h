#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "common/collect/collector.h"
#include "common/ledger/ledger.h"

namespace exporter {

/// A ledger that several configurations share, with the options of one of them.
class SharedLedger {
 public:
  /// Throws as Ledger::check() does.
  explicit SharedLedger(std::shared_ptr<Ledger> ledger, const Ledger::Options& options = {});

  Ledger::Run begin(const Deadline& deadline, Ledger::Time now = Ledger::wall_clock()) const {
    return ledger_->begin(deadline, options_, now);
  }
  /// A run that keeps events open for longer, for work that has fallen behind.
  Ledger::Run begin(const Deadline& deadline, Ledger::Time now,
                    std::chrono::microseconds more_lateness) const {
    auto options = options_;
    options.allowed_lateness += more_lateness;
    return ledger_->begin(deadline, options, now);
  }
  const Ledger& operator*() const { return *ledger_; }
  const Ledger* operator->() const { return ledger_.get(); }

 private:
  std::shared_ptr<Ledger> ledger_;
  Ledger::Options options_;
};

/// The ledgers of a process, by purpose and source. Thread-safe.
class Ledgers {
 public:
  /// Without a directory they are in memory.
  explicit Ledgers(std::filesystem::path state_dir);
  Ledgers(const Ledgers&) = delete;
  Ledgers& operator=(const Ledgers&) = delete;

  /// Returns the open ledger, or opens `purpose`.`source`.ledger with the source percent-encoded
  /// (without a source, `purpose`.ledger), to which the migrations apply. Throws as Ledger's
  /// constructor does, without a change. Also closes ledgers that are no longer in use.
  SharedLedger open(const std::string& purpose, const std::string& source,
                    const Ledger::Options& options, std::vector<Migration> migrations = {});

  /// Adds exporter_ledger_* of the ledgers in use, with the labels `ledger`, which is the purpose,
  /// and `source`. Does not wait for files.
  void add_to(Samples& samples) const;
  static std::vector<MetricView> metrics();

 private:
  using Key = std::pair<std::string, std::string>;
  std::shared_ptr<Ledger> find(const Key& key) const;
  void close_others(const Key& key);

  const std::filesystem::path state_dir_;
  std::mutex opening_;  ///< held while a file is opened; locked before the other
  mutable std::mutex mutex_;
  std::map<Key, std::shared_ptr<Ledger>> ledgers_;
};

/// The collector "ledger": the metrics of the ledgers themselves.
Collector make_ledger(std::shared_ptr<const Ledgers> ledgers);

}  // namespace exporter
