#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/ledger/series.h"
#include "common/ledger/store.h"
#include "common/ledger/turn.h"

namespace exporter {

/// The parts of a ledger.
struct Ledger::Parts {
  /// The store, loaded; requires the turn. Throws as begin() does.
  ledger::Store& ready_store(Time now);
  void open(Time now);
  void load(Time now);
  void close();
  template <class Work>
  void or_start_again(Time now, Work&& work);
  void set_aside(const std::string& why, Time now);

  const std::string name, path;  ///< no path: in memory
  const std::vector<Migration> migrations;

  ledger::Turns turns = {};
  // Require the turn.
  std::optional<ledger::Database> database = {};
  std::unique_ptr<ledger::Store> store = {};  ///< when it is loaded
  bool is_unusable = false;

  mutable std::mutex mutex = {};
  // Changed only with the turn, and under the mutex.
  ledger::Book book = {};
  ledger::State state = {};
  bool has_state = false;  ///< whether `state` is known
  std::int64_t size_bytes = 0;
  bool has_discarded = false;
};

}  // namespace exporter
