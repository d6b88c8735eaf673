#include "common/ledger/format1.h"

#include <map>
#include <string>
#include <unordered_map>

#include "common/base/text.h"
#include "common/ledger/store.h"

namespace exporter::ledger {
namespace {

Time time(std::int64_t count) { return Time(Time::duration(count)); }

State read_state(const Database& database) {
  std::optional<State> state;
  database
      .prepare(
          "SELECT started, since, line, newest, written, corrections, too_late, dropped "
          "FROM state")
      .each([&](const Row& row) {
        state = State::starting(time(row.integer(0)));
        state->timeline = Timeline::starting(time(row.integer(1)));
        state->timeline.watermark = time(row.integer(2));
        state->timeline.newest = time(row.integer(3));
        state->written = time(row.integer(4));
        state->corrections = row.integer(5);
        state->late = row.integer(6);
        state->dropped = row.integer(7);
      });
  if (!state) throw database.unusable("its state is missing");
  return *state;
}

/// Moves the rows of the older tables to the newer ones.
class Upgrade {
 public:
  explicit Upgrade(const Database& database) : database_(database), store_(database) {}

  void move_series(State& state) {
    const auto use = [&](const Row& row) {
      auto labels = row.text(1);
      const auto family = family_of(next_part(labels, kEndOfLabel));
      Series series{row.integer(0), time(row.integer(2)), std::vector<Cell>(family.cells())};
      database_.insist_sound(read_text(series.cells, &Cell::truth, row.text(3)) &&
                             read_text(series.cells, &Cell::shown, row.text(4)));
      store_.put_series(family.id, labels, series);
      families_[series.id] = {family.id, family.bounds, {}};
      ++state.series;
    };
    database_.prepare("SELECT id, key, newest, truth, shown FROM series1").each(use);
  }

  /// Moves events that count first, then zeros of events that count nowhere.
  void move_events(State& state) {
    auto read = database_.prepare(
        "SELECT unit, series, value, happened FROM unit1 WHERE (value = 0) = ? ORDER BY row");
    for (const std::int64_t is_zero : {0, 1}) {
      const auto use = [&](const Row& row) {
        const auto id = row.text(0);
        const auto family = families_.find(row.integer(1));
        database_.insist_sound(family != families_.end());
        const bool is_counter = family->second.bounds.empty();
        const auto number = family->second.id;
        StoredEvent event{0, row.integer(1), time(row.integer(3)), {row.real(2), {}}};
        const auto is_of_it = [&](std::int64_t series) {
          return families_.at(series).id == number;
        };
        if (is_zero == 1 && is_counter &&
            store_.events().find(id, number, event.series, is_of_it)) {
          return;
        }
        store_.events().add(id, number, event);
        ++state.open_events;
      };
      read.each(use, is_zero);
    }
  }

  void move_metadata(State& state) {
    database_.prepare("SELECT key, text FROM note1").each([&](const Row& row) {
      state.metadata += store_.put_metadata(row.text(0), row.text(1));
    });
  }

  void put(const State& state) { store_.put(state); }

 private:
  const Family& family_of(std::string_view key) {
    const auto [at, is_new] = by_key_.try_emplace(std::string(key));
    if (is_new) {
      at->second = {store_.new_family(), bounds_of(key), {}};
      store_.put_family(at->second.id, key);
    }
    return at->second;
  }

  const Database& database_;
  Store store_;
  std::map<std::string, Family> by_key_;
  std::unordered_map<std::int64_t, Family> families_;  // by the id of a series
};

}  // namespace

void upgrade_from_format1(const Database& database) {
  database.execute("BEGIN IMMEDIATE");
  auto state = read_state(database);
  database.execute(
      "ALTER TABLE state RENAME TO state1; ALTER TABLE series RENAME TO series1;"
      "ALTER TABLE unit RENAME TO unit1; ALTER TABLE note RENAME TO note1");
  Store::create_tables(database, state);
  {
    Upgrade upgrade(database);
    upgrade.move_series(state);
    upgrade.move_events(state);
    upgrade.move_metadata(state);
    upgrade.put(state);
  }
  database.execute(
      "DROP TABLE state1; DROP TABLE series1; DROP TABLE unit1; DROP TABLE note1;"
      "PRAGMA user_version = 2; COMMIT");
}

}  // namespace exporter::ledger
