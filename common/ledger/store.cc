#include "common/ledger/store.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "common/base/text.h"

namespace exporter::ledger {
namespace {

constexpr std::int64_t kApplicationId = 0x6c656467;  // "ledg", for file(1)
constexpr std::int64_t kVersion = 1;

/// Times are microseconds since 1970; truth and shown hold a series' cells, separated by blanks.
/// Events stand in the order in which they came, so that a commit writes few pages; an index of
/// their ids in the file would spread it over all of them.
constexpr const char* kTables = R"(
  BEGIN IMMEDIATE;
  CREATE TABLE state (started INTEGER NOT NULL, since INTEGER NOT NULL, line INTEGER NOT NULL,
                      newest INTEGER NOT NULL, written INTEGER NOT NULL,
                      corrections INTEGER NOT NULL, too_late INTEGER NOT NULL,
                      dropped INTEGER NOT NULL) STRICT;
  CREATE TABLE series (id INTEGER PRIMARY KEY, key BLOB NOT NULL, newest INTEGER NOT NULL,
                       truth BLOB NOT NULL, shown BLOB NOT NULL) STRICT;
  CREATE TABLE unit (row INTEGER PRIMARY KEY, unit BLOB NOT NULL, series INTEGER NOT NULL,
                     value REAL NOT NULL, happened INTEGER NOT NULL) STRICT;
  CREATE TABLE note (key BLOB PRIMARY KEY, text BLOB NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = 1818584167;
  PRAGMA user_version = 1;)";

void check(const Database& database) {
  if (database.number("PRAGMA application_id") != kApplicationId) {
    throw database.unusable("a database, but not a ledger");
  }
  const auto version = database.number("PRAGMA user_version");
  if (version > kVersion) {
    throw Error(Reason::config, database.message("made by a newer version of this exporter"));
  }
  if (version < kVersion) throw database.unusable("made by an older version of this exporter");
  if (database.number("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND "
                      "name IN ('state', 'series', 'unit', 'note')") != 4) {
    throw database.unusable("a table is missing");
  }
  bool whole = false;
  database.prepare("PRAGMA quick_check(1)").each([&](const Row& row) {
    whole = row.text(0) == "ok";
  });
  if (!whole) throw database.unusable("the database is damaged");
}

/// Leaves a transaction open in which the tables were made, if they were.
Database open(const std::string& path) {
  constexpr std::uintmax_t kSmallest = 512;  // SQLite takes what is shorter for an empty file
  std::error_code absent;
  const auto size = std::filesystem::file_size(path, absent);
  Database database(path);
  if (!absent && size > 0 && size < kSmallest) throw database.unusable("cut off");
  const bool empty = database.number("SELECT count(*) FROM sqlite_schema") == 0;
  if (!empty) check(database);
  database.execute("PRAGMA journal_mode = WAL");
  if (empty) database.execute(kTables);
  return database;
}

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time(std::int64_t count) { return Time(Time::duration(count)); }

/// The number of cells of a series, by its key: a bound of a histogram stands after a blank.
std::size_t cells_of(std::string_view key) {
  const auto family = key.substr(0, key.find(kEndOfLabel));
  const auto bounds = static_cast<std::size_t>(std::count(family.begin(), family.end(), ' '));
  return bounds == 0 ? 1 : bounds + 2;
}

bool parse(std::vector<Cell>& cells, Amount Cell::*part, std::string_view text) {
  for (auto& cell : cells) {
    const auto amount = Amount::parse(next_part(text, ' '));
    if (!amount) return false;
    cell.*part = *amount;
  }
  return text.empty();
}

std::string text(const std::vector<Cell>& cells, Amount Cell::*part) {
  std::string out;
  for (const auto& cell : cells) {
    if (!out.empty()) out += ' ';
    out += (cell.*part).text();
  }
  return out;
}

}  // namespace

Store::Store(const std::string& path, const State& fresh)
    : database_(open(path)),
      is_new_(database_.in_transaction()),
      read_event_(
          database_.prepare("SELECT unit, series, value, happened FROM unit WHERE row = ?")),
      add_event_(database_.prepare("INSERT INTO unit VALUES (?, ?, ?, ?, ?)")),
      change_event_(database_.prepare("UPDATE unit SET value = ?, happened = ? WHERE row = ?")),
      put_series_(database_.prepare("INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?)")),
      put_metadata_(database_.prepare("INSERT OR REPLACE INTO note VALUES (?, ?)")) {
  if (!is_new_) return;
  put(fresh);
  commit();
}

State Store::load_state() {
  std::optional<State> state;
  database_.prepare("SELECT * FROM state").each([&](const Row& row) {
    state = State{time(row.integer(0)), time(row.integer(1)), time(row.integer(2)),
                  time(row.integer(3)), time(row.integer(4)), row.integer(5),
                  row.integer(6),       row.integer(7)};
  });
  if (!state) throw database_.unusable("its state is missing");
  state->open_events = build_index();
  state->next_series = database_.number("SELECT coalesce(max(id), 0) + 1 FROM series");
  return *state;
}

SeriesByKey Store::load_series() {
  SeriesByKey all;
  database_.prepare("SELECT * FROM series").each([&](const Row& row) {
    const auto key = row.text(1);
    Series series{row.integer(0), time(row.integer(2)), std::vector<Cell>(cells_of(key))};
    if (!parse(series.cells, &Cell::truth, row.text(3)) ||
        !parse(series.cells, &Cell::shown, row.text(4))) {
      throw database_.unusable("the sums of a series cannot be read");
    }
    all.emplace(key, std::move(series));
  });
  return all;
}

void Store::rollback() noexcept {
  if (!database_.in_transaction()) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const std::exception&) {
    // It is not committed, and will not be: that is all that is promised.
  }
}

std::optional<StoredEvent> Store::find(std::string_view event, std::int64_t series) {
  insist_on_transaction();
  std::optional<StoredEvent> found;
  index_.find(EventIndex::hash(event, series), [&](std::int64_t row) {
    const auto use = [&](const Row& columns) {
      if (columns.text(0) != event || columns.integer(1) != series) return;
      found = {row, columns.real(2), time(columns.integer(3))};
    };
    read_event_.each(use, row);
    return found.has_value();
  });
  return found;
}

void Store::add(std::string_view event, std::int64_t series, double value, Time when) {
  insist_on_transaction();
  if (index_.full()) build_index();
  add_event_.run(++last_row_, event, series, value, count(when));
  index_.add(EventIndex::hash(event, series), last_row_);
}

void Store::change(const StoredEvent& event) {
  insist_on_transaction();
  change_event_.run(event.value, count(event.when), event.row);
}

/// Reads it from the table, and so leaves out the rows that are gone; answers how many there are.
/// The old one stays when that fails: one that lacks rows would count their events twice.
std::int64_t Store::build_index() {
  const auto rows = database_.number("SELECT count(*) FROM unit");
  EventIndex index(static_cast<std::size_t>(rows));
  database_.prepare("SELECT row, unit, series FROM unit").each([&](const Row& row) {
    index.add(EventIndex::hash(row.text(1), row.integer(2)), row.integer(0));
    last_row_ = std::max(last_row_, row.integer(0));
  });
  index_ = std::move(index);
  return rows;
}

void Store::put(const std::string& key, const Series& series) {
  insist_on_transaction();
  put_series_.run(series.id, std::string_view(key), count(series.newest),
                  std::string_view(text(series.cells, &Cell::truth)),
                  std::string_view(text(series.cells, &Cell::shown)));
}

void Store::put(const State& state) {
  insist_on_transaction();
  database_.execute("DELETE FROM state");
  database_.prepare("INSERT INTO state VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
      .run(count(state.started), count(state.since), count(state.watermark), count(state.newest),
           count(state.written), state.corrections, state.late, state.dropped);
}

void Store::put_metadata(std::string_view key, std::string_view text) {
  insist_on_transaction();
  if (text.empty()) {
    database_.prepare("DELETE FROM note WHERE key = ?").run(key);
  } else {
    put_metadata_.run(key, text);
  }
}

void Store::each_metadata(std::string_view prefix, const MetadataUse& use) {
  const auto beyond = std::string(prefix) + kEndOfLabel;
  database_.prepare("SELECT key, text FROM note WHERE key >= ? AND key < ? ORDER BY key")
      .each([&](const Row& row) { use(row.text(0), row.text(1)); }, prefix,
            std::string_view(beyond));
}

std::int64_t Store::compact(Time before) {
  insist_on_transaction();
  database_.prepare("DELETE FROM unit WHERE happened < ?").run(count(before));
  return database_.changes();
}

void Store::forget_series(Time before) {
  insist_on_transaction();
  database_.prepare("DELETE FROM series WHERE newest < ?").run(count(before));
}

std::int64_t Store::size_bytes() const {
  return database_.number("PRAGMA page_count") * database_.number("PRAGMA page_size");
}

/// After some failures, such as a full disk, SQLite has rolled back by itself; what came then would
/// be committed at once.
void Store::insist_on_transaction() const {
  if (!database_.in_transaction()) {
    throw Error(Reason::io, database_.message("the run was rolled back after an error"));
  }
}

}  // namespace exporter::ledger
