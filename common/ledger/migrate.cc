#include "common/ledger/migrate.h"

#include <unordered_map>

namespace exporter::ledger {
namespace {

/// Applies one migration to the book and the store.
class Move {
 public:
  Move(const Migration& migration, Store& store, State& state, Book& book)
      : migration_(migration), store_(store), state_(state), book_(book) {}

  void run() {
    const auto from = family_key(migration_.from, migration_.bounds);
    const auto at = book_.families.find(from);
    if (at == book_.families.end()) return;
    const auto old_family = std::move(at->second);
    book_.families.erase(at);
    open_target(old_family, from);
    for (const auto& [labels, series] : old_family.series) move_series(labels, series);
    for (const auto& [labels, series] : target_->series) {
      store_.put_series(target_->id, labels, series);
    }
    if (!merged_.empty() || migration_.id) move_events();
  }

 private:
  /// The new family takes over the number of the old one, unless it already has one.
  void open_target(const Family& old_family, const std::string& from) {
    const auto to = family_key(migration_.to, migration_.bounds);
    const auto [at, is_new] = book_.families.try_emplace(to);
    target_ = &at->second;
    if (is_new) {
      *target_ = {old_family.id, old_family.bounds, {}};
      if (to != from) store_.put_family(target_->id, to);
    } else {
      store_.delete_family(old_family.id);
    }
  }

  void move_series(const std::string& key, const Series& series) {
    const auto labels = labels_of(key);
    auto& old_labels = old_labels_[series.id];
    old_labels.assign(labels.begin(), labels.end());
    const auto newer = migration_.labels ? migration_.labels(labels) : old_labels;
    if (newer.size() != migration_.to.labels.size()) fail("one value for each label");
    const std::vector<std::string_view> views(newer.begin(), newer.end());
    std::string newer_key;
    append_labels_key(newer_key, views);
    const auto [at, is_new] = target_->series.try_emplace(newer_key, series);
    if (is_new) return;
    merge(at->second, series);
    merged_[series.id] = at->second.id;
    store_.delete_series(series.id);
    --state_.series;
  }

  /// Adds up both the true and the shown values, so that their sum on the page does not change.
  static void merge(Series& into, const Series& series) {
    into.newest = std::max(into.newest, series.newest);
    for (std::size_t i = 0; i < into.cells.size(); ++i) {
      into.cells[i].truth += series.cells[i].truth;
      into.cells[i].shown += series.cells[i].shown;
    }
  }

  void move_events() {
    const auto move = [&](std::string_view id, StoredEvent& event) {
      const auto labels = old_labels_.find(event.series);
      if (labels == old_labels_.end()) return;
      const std::vector<std::string_view> views(labels->second.begin(), labels->second.end());
      const auto newer_id = migration_.id ? migration_.id(id, views) : std::string(id);
      const auto merged = merged_.find(event.series);
      if (merged != merged_.end()) event.series = merged->second;
      store_.events().change(newer_id, target_->id, event);
    };
    store_.events().each(Time::min(), Time::max(), move);
  }

  [[noreturn]] void fail(const char* why) const {
    throw Error(Reason::internal, "migration " + migration_.name + ": " + why);
  }

  const Migration& migration_;
  Store& store_;
  State& state_;
  Book& book_;
  Family* target_ = nullptr;
  std::unordered_map<std::int64_t, std::vector<std::string>> old_labels_;  // by a series' id
  std::unordered_map<std::int64_t, std::int64_t> merged_;                  // into which series
};

void check(const Migration& migration) {
  const bool has_bounds = !migration.bounds.empty();
  const bool is_histogram = migration.from.type == MetricType::histogram;
  if (migration.from.type != migration.to.type || is_histogram != has_bounds) {
    throw Error(Reason::internal,
                "migration " + migration.name + ": both counters, or histograms with their bounds");
  }
}

void find_places(Book& book) {
  book.places.clear();
  for (auto& [key, family] : book.families) {
    for (auto& entry : family.series) book.places[entry.second.id] = {&family, &entry};
  }
}

}  // namespace

void apply(const std::vector<Migration>& migrations, Store& store, State& state, Book& book) {
  std::vector<const Migration*> due;
  for (const auto& migration : migrations) {
    check(migration);
    if (!store.has_migrated(migration.name)) due.push_back(&migration);
  }
  if (due.empty()) return;
  store.begin();
  for (const auto* migration : due) {
    Move(*migration, store, state, book).run();
    store.put_migration(migration->name);
  }
  store.put(state);
  store.commit();
  find_places(book);
  store.events().load(state.open_events, book);
}

}  // namespace exporter::ledger
