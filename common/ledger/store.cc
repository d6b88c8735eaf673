#include "common/ledger/store.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "common/ledger/checksum.h"

namespace exporter::ledger {
namespace {

/// Times are microseconds since 1970; truth and shown hold a series' cells.
constexpr const char* kTables = R"(
  CREATE TABLE state (only INTEGER PRIMARY KEY, started INTEGER NOT NULL, since INTEGER NOT NULL,
                      watermark INTEGER NOT NULL, newest INTEGER NOT NULL,
                      jumped_from INTEGER NOT NULL, jumped_to INTEGER NOT NULL,
                      retained_from INTEGER NOT NULL, retained_to INTEGER NOT NULL,
                      ahead_to INTEGER NOT NULL, ahead_since INTEGER NOT NULL,
                      written INTEGER NOT NULL, corrections INTEGER NOT NULL,
                      late INTEGER NOT NULL, ahead INTEGER NOT NULL, dropped INTEGER NOT NULL,
                      compacted_early INTEGER NOT NULL, open_events INTEGER NOT NULL,
                      series INTEGER NOT NULL, metadata INTEGER NOT NULL,
                      checksum INTEGER NOT NULL) STRICT;
  CREATE TABLE family (id INTEGER PRIMARY KEY, key BLOB NOT NULL,
                       checksum INTEGER NOT NULL) STRICT;
  CREATE TABLE series (id INTEGER PRIMARY KEY, family INTEGER NOT NULL, labels BLOB NOT NULL,
                       newest INTEGER NOT NULL, truth BLOB NOT NULL, shown BLOB NOT NULL,
                       checksum INTEGER NOT NULL) STRICT;
  CREATE TABLE event (row INTEGER PRIMARY KEY, id BLOB NOT NULL, series INTEGER NOT NULL,
                      happened INTEGER NOT NULL, value REAL, counts BLOB NOT NULL,
                      checksum INTEGER NOT NULL) STRICT;
  CREATE TABLE metadata (key BLOB PRIMARY KEY, text BLOB NOT NULL,
                         checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE migration (name BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;)";

std::int64_t count(Time time) { return time.time_since_epoch().count(); }
Time time(std::int64_t count) { return Time(Time::duration(count)); }

constexpr std::size_t kStateColumns = 19;

std::array<std::int64_t, kStateColumns> columns_of(const State& state) {
  const auto& timeline = state.timeline;
  return {count(state.started),
          count(timeline.since),
          count(timeline.watermark),
          count(timeline.newest),
          count(timeline.beyond_lateness.from),
          count(timeline.beyond_lateness.to),
          count(timeline.beyond_retention.from),
          count(timeline.beyond_retention.to),
          count(timeline.ahead_to),
          count(timeline.ahead_since),
          count(state.written),
          state.corrections,
          state.late,
          state.ahead,
          state.dropped,
          state.compacted_early,
          state.open_events,
          state.series,
          state.metadata};
}

std::int64_t checksum_of(const std::array<std::int64_t, kStateColumns>& columns) {
  Checksum checksum;
  for (const auto column : columns) checksum.add(column);
  return checksum.value();
}

std::int64_t checksum_of(std::string_view key, std::string_view text) {
  return Checksum().add(key).add(text).value();
}

std::int64_t checksum_of(std::int64_t family, std::string_view key) {
  return Checksum().add(family).add(key).value();
}

std::int64_t checksum_of(std::int64_t family, std::string_view labels, const Series& series,
                         std::string_view truth, std::string_view shown) {
  return Checksum()
      .add(series.id)
      .add(family)
      .add(labels)
      .add(count(series.newest))
      .add(truth)
      .add(shown)
      .value();
}

void put_state(const Database& database, const State& state) {
  const auto columns = columns_of(state);
  auto statement = database.prepare(
      "INSERT OR REPLACE INTO state "
      "VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  std::apply([&](const auto&... column) { statement.run(column..., checksum_of(columns)); },
             columns);
}

}  // namespace

void Store::create_tables(const Database& database, const State& state) {
  database.execute(kTables);
  put_state(database, state);
}

State Store::read_state(const Database& database) {
  std::array<std::int64_t, kStateColumns> columns{};
  bool is_sound = false;
  database.prepare("SELECT * FROM state").each([&](const Row& row) {
    for (std::size_t i = 0; i < columns.size(); ++i)
      columns[i] = row.integer(static_cast<int>(i) + 1);
    is_sound = row.integer(kStateColumns + 1) == checksum_of(columns);
  });
  if (!is_sound) throw database.unusable("its state is missing or damaged");
  const auto at = [&](std::size_t i) { return time(columns[i]); };
  return {at(0),       {at(1), at(2), at(3), {at(4), at(5)}, {at(6), at(7)}, at(8), at(9)},
          at(10),      columns[11],
          columns[12], columns[13],
          columns[14], columns[15],
          columns[16], columns[17],
          columns[18]};
}

Store::Store(const Database& database)
    : database_(database),
      events_(database),
      put_series_(database.prepare("INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?)")),
      put_metadata_(database.prepare("INSERT OR REPLACE INTO metadata VALUES (?, ?, ?)")),
      read_metadata_(database.prepare("SELECT key, text, checksum FROM metadata WHERE key = ?")) {}

void Store::load(State& state, Book& book) {
  state = read_state(database_);
  load_families(book);
  load_series(book);
  const auto events = events_.load(state.open_events, book);
  const bool is_complete = std::ssize(book.places) == state.series && events == state.open_events &&
                           load_metadata() == state.metadata;
  if (!is_complete) throw database_.unusable("rows are missing");
}

void Store::load_families(Book& book) {
  database_.prepare("SELECT id, key, checksum FROM family").each([&](const Row& row) {
    const auto id = row.integer(0);
    const auto key = row.text(1);
    database_.insist_sound(row.integer(2) == checksum_of(id, key));
    last_family_ = std::max(last_family_, id);
    book.families.emplace(key, Family{id, bounds_of(key), {}});
  });
}

void Store::load_series(Book& book) {
  std::unordered_map<std::int64_t, Family*> families;
  for (auto& [key, family] : book.families) families[family.id] = &family;
  const auto use = [&](const Row& row) {
    const auto found = families.find(row.integer(1));
    database_.insist_sound(found != families.end());
    auto& family = *found->second;
    Series series{row.integer(0), time(row.integer(3)), std::vector<Cell>(family.cells())};
    database_.insist_sound(read_text(series.cells, &Cell::truth, row.text(4)) &&
                           read_text(series.cells, &Cell::shown, row.text(5)));
    database_.insist_sound(row.integer(6) ==
                           checksum_of(family.id, row.text(2), series, row.text(4), row.text(5)));
    last_series_ = std::max(last_series_, series.id);
    const auto entry = family.series.emplace(row.text(2), std::move(series)).first;
    book.places[entry->second.id] = {&family, &*entry};
  };
  database_.prepare("SELECT id, family, labels, newest, truth, shown, checksum FROM series")
      .each(use);
}

std::int64_t Store::load_metadata() {
  std::int64_t rows = 0;
  database_.prepare("SELECT key, text, checksum FROM metadata").each([&](const Row& row) {
    database_.insist_sound(row.integer(2) == checksum_of(row.text(0), row.text(1)));
    ++rows;
  });
  return rows;
}

void Store::commit() {
  database_.insist_on_transaction();
  events_.prepare_commit();
  database_.execute("COMMIT");
  events_.committed();
}

void Store::rollback() noexcept {
  events_.rolled_back();
  if (!database_.in_transaction()) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const std::exception&) {
    // The transaction is not committed and never will be; nothing else is promised.
  }
}

void Store::put_family(std::int64_t id, std::string_view key) {
  database_.insist_on_transaction();
  database_.prepare("INSERT OR REPLACE INTO family VALUES (?, ?, ?)")
      .run(id, key, checksum_of(id, key));
}

void Store::delete_family(std::int64_t id) {
  database_.insist_on_transaction();
  database_.prepare("DELETE FROM family WHERE id = ?").run(id);
}

void Store::put_series(std::int64_t family, std::string_view labels, const Series& series) {
  database_.insist_on_transaction();
  const auto truth = text_of(series.cells, &Cell::truth);
  const auto shown = text_of(series.cells, &Cell::shown);
  put_series_.run(series.id, family, labels, count(series.newest), std::string_view(truth),
                  std::string_view(shown), checksum_of(family, labels, series, truth, shown));
}

void Store::delete_series(std::int64_t id) {
  database_.insist_on_transaction();
  database_.prepare("DELETE FROM series WHERE id = ?").run(id);
}

void Store::put(const State& state) {
  database_.insist_on_transaction();
  put_state(database_, state);
}

std::string Store::metadata(std::string_view key) {
  std::string text;
  const auto use = [&](const Row& row) {
    text = row.text(1);
    database_.insist_sound(row.integer(2) == checksum_of(key, text));
  };
  read_metadata_.each(use, key);
  return text;
}

int Store::put_metadata(std::string_view key, std::string_view text) {
  database_.insist_on_transaction();
  int before = 0;
  read_metadata_.each([&](const Row&) { before = 1; }, key);
  if (text.empty()) {
    database_.prepare("DELETE FROM metadata WHERE key = ?").run(key);
    return -before;
  }
  put_metadata_.run(key, text, checksum_of(key, text));
  return 1 - before;
}

Store::Metadata Store::metadata_of(std::string_view prefix) {
  Metadata all;
  const auto beyond = std::string(prefix) + kEndOfLabel;
  const auto use = [&](const Row& row) {
    all.emplace_back(row.text(0), row.text(1));
    database_.insist_sound(row.integer(2) == checksum_of(row.text(0), row.text(1)));
  };
  database_
      .prepare("SELECT key, text, checksum FROM metadata WHERE key >= ? AND key < ? ORDER BY key")
      .each(use, prefix, std::string_view(beyond));
  return all;
}

bool Store::has_migrated(std::string_view migration) {
  bool has_migrated = false;
  database_.prepare("SELECT 1 FROM migration WHERE name = ?")
      .each([&](const Row&) { has_migrated = true; }, migration);
  return has_migrated;
}

void Store::put_migration(std::string_view name) {
  database_.insist_on_transaction();
  database_.prepare("INSERT INTO migration VALUES (?)").run(name);
}

void Store::shrink() {
  constexpr std::int64_t kSpare = 256, kMost = 2048;  // pages: 1 MiB, 8 MiB
  const auto unused = database_.number("PRAGMA freelist_count");
  const auto used = database_.number("PRAGMA page_count") - unused;
  const auto surplus = unused - std::max(kSpare, used / 4);
  if (surplus <= 0) return;
  database_.execute(
      ("PRAGMA incremental_vacuum(" + std::to_string(std::min(surplus, kMost)) + ')').c_str());
}

}  // namespace exporter::ledger
