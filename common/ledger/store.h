#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/ledger/database.h"
#include "common/ledger/event_table.h"
#include "common/ledger/series.h"
#include "common/ledger/timeline.h"

namespace exporter::ledger {

/// Everything except the series, the events and the metadata.
struct State {
  Time started;  ///< when the ledger was created
  Timeline timeline;
  Time written;  ///< the last commit; `started` before the first
  std::int64_t corrections = 0, late = 0, ahead = 0, dropped = 0, compacted_early = 0;
  std::int64_t open_events = 0, series = 0, metadata = 0;  ///< rows

  static State starting(Time now) { return {now, Timeline::starting(now), now}; }
};

/// The tables of a ledger; a commit survives crashes and power failures. Throws as Database does,
/// and an UnusableFile for a row with a wrong checksum.
class Store {
 public:
  /// The database must have the current format and outlive it.
  explicit Store(const Database& database);

  /// Creates the tables and stores the state; the caller has a transaction open.
  static void create_tables(const Database& database, const State& state);
  /// Reads only the state, not the rest of the file.
  static State read_state(const Database& database);

  /// Reads and checks the whole file.
  void load(State& state, Book& book);

  void begin() { database_.execute("BEGIN IMMEDIATE"); }
  void commit();
  void rollback() noexcept;

  // The following functions require an open transaction.

  EventTable& events() { return events_; }

  std::int64_t new_family() { return ++last_family_; }
  std::int64_t new_series() { return ++last_series_; }
  void put_family(std::int64_t id, std::string_view key);
  void delete_family(std::int64_t id);
  void put_series(std::int64_t family, std::string_view labels, const Series& series);
  void delete_series(std::int64_t id);
  void put(const State& state);

  std::string metadata(std::string_view key);
  /// An empty text removes the key. Returns the change in the number of rows.
  int put_metadata(std::string_view key, std::string_view text);
  using Metadata = std::vector<std::pair<std::string, std::string>>;
  Metadata metadata_of(std::string_view prefix);

  bool has_migrated(std::string_view migration);
  void put_migration(std::string_view name);

  /// Returns a bounded number of unused pages to the file system if there are many.
  void shrink();

 private:
  void load_families(Book& book);
  void load_series(Book& book);
  std::int64_t load_metadata();

  const Database& database_;
  EventTable events_;
  Statement put_series_, put_metadata_, read_metadata_;
  std::int64_t last_family_ = 0, last_series_ = 0;
};

}  // namespace exporter::ledger
