#pragma once

#include <optional>
#include <string_view>

#include "common/ledger/book.h"
#include "common/ledger/database.h"
#include "common/ledger/event_index.h"

namespace exporter::ledger {

/// What is stored of an event in a series.
struct StoredEvent {
  std::int64_t row;
  double value;
  Time when;
};

/// The file of a ledger: what is committed survives the process and the machine. Throws as Database
/// does.
class Store {
 public:
  /// Opens the file, or memory when the path is empty; makes it with the state `fresh` when there
  /// is none. An UnusableFile is no ledger, an older one or not whole; an Error{config} tells of a
  /// newer one.
  Store(const std::string& path, const State& fresh);

  bool is_new() const { return is_new_; }
  State load_state();
  SeriesByKey load_series();

  void begin() { database_.execute("BEGIN IMMEDIATE"); }
  void commit() { database_.execute("COMMIT"); }
  void rollback() noexcept;

  // What follows belongs between begin() and commit().

  std::optional<StoredEvent> find(std::string_view event, std::int64_t series);
  void add(std::string_view event, std::int64_t series, double value, Time when);
  void change(const StoredEvent& event);
  void put(const std::string& key, const Series& series);
  void put(const State& state);
  /// An empty text removes it.
  void put_metadata(std::string_view key, std::string_view text);
  void each_metadata(std::string_view prefix, const MetadataUse& use);
  /// Forgets the events that happened before a time; answers how many.
  std::int64_t compact(Time before);
  void forget_series(Time before);

  /// Without its log, which stays below 16 MiB between runs.
  std::int64_t size_bytes() const;

 private:
  void insist_on_transaction() const;
  std::int64_t build_index();

  Database database_;
  bool is_new_;
  Statement read_event_, add_event_, change_event_, put_series_, put_metadata_;
  EventIndex index_;
  std::int64_t last_row_ = 0;
};

}  // namespace exporter::ledger
