#pragma once

#include <optional>
#include <string_view>

#include "common/ledger/book.h"
#include "common/ledger/database.h"
#include "common/ledger/unit_index.h"

namespace exporter::ledger {

/// What is stored of a unit in a series.
struct StoredUnit {
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

  std::optional<StoredUnit> find(std::string_view unit, std::int64_t series);
  void add(std::string_view unit, std::int64_t series, double value, Time when);
  void change(const StoredUnit& unit);
  void put(const std::string& key, const Series& series);
  void put(const State& state);
  /// An empty text removes it.
  void put_note(std::string_view key, std::string_view text);
  void each_note(std::string_view prefix, const Notes& use);
  /// Forgets the units that happened before a time; answers how many.
  std::int64_t forget_units(Time before);
  void forget_series(Time before);

  /// Without its log, which stays below 16 MiB between runs.
  std::int64_t size_bytes() const;

 private:
  void insist_on_transaction() const;
  std::int64_t build_index();

  Database database_;
  bool is_new_;
  Statement read_unit_, add_unit_, change_unit_, put_series_, put_note_;
  UnitIndex index_;
  std::int64_t last_row_ = 0;
};

}  // namespace exporter::ledger
