#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/ledger/ledger.h"
#include "common/ledger/series.h"
#include "common/ledger/store.h"

namespace exporter::ledger {

/// What a run has reported so far: in the store's open transaction and here. The ledger's book and
/// state do not change before publish().
class Draft {
 public:
  /// A family in this run.
  struct OpenFamily {
    std::string key, name;
    std::vector<std::string> labels;
    std::vector<double> bounds;
    Family* known;  ///< in the book; null if it is new
    std::int64_t id;
    std::map<std::string, std::int64_t, std::less<>> created;  ///< the ids of this run's series

    bool is(const MetricView& metric, std::span<const double> of) const;
  };

  /// Begins a transaction.
  Draft(Store& store, Book& book, const State& state, const Ledger::Options& options, Time now);

  OpenFamily& family(const MetricView& metric, std::span<const double> bounds);
  bool is_new(const OpenFamily& family, const Event& event);
  void report(OpenFamily& family, const Event& event, EventValue value, std::string_view labels);
  /// Keeps the last report of an event within a window.
  void keep(const MetricView& metric, std::span<const double> bounds, std::string_view id);
  void ensure(OpenFamily& family, std::string_view labels);
  void replace_window(Time from, Time to, std::span<const MetricView> families);
  bool has_reported() const { return has_reported_; }
  /// The newest event that is not ahead, before this run.
  Time newest() const { return state_.timeline.newest; }
  void set_metadata(std::string_view key, std::string_view text);

  /// Writes everything that is not yet in the transaction.
  void finish();
  /// Makes the run visible, after the transaction was committed.
  void publish(State& state) noexcept;

 private:
  /// A run's own copy of a series.
  struct Copy {
    std::int64_t family;
    const std::vector<double>* bounds;
    const std::string* labels;
    Series series;
  };
  struct Window {
    Time from, to;
    bool is_of_all;
    std::vector<std::int64_t> families;
  };

  void start_clock();
  void see(Time when);
  std::optional<StoredEvent> find(const OpenFamily& family, std::string_view id,
                                  std::int64_t series);
  void note_reported(std::int64_t row);
  void replace(const OpenFamily& family, std::string_view id, const StoredEvent& known,
               StoredEvent& now);
  void count(const OpenFamily& family, const StoredEvent& event);
  std::int64_t find_series(const OpenFamily& family, std::string_view labels) const;
  std::int64_t create_series(OpenFamily& family, std::string_view labels);
  std::int64_t family_of(std::int64_t series) const;
  bool has_room_for_series() const;
  bool make_room(Time when);
  void compacted(std::int64_t events);
  Copy& edit(std::int64_t series);
  void clear_windows();
  void clear_window(const Window& window);
  void advance();
  void drop_series(Time before);
  void prepare_publishing();

  Store& store_;
  Book& book_;
  const Ledger::Options options_;
  const Time now_, limit_;  ///< later times than `limit_` are ahead
  const Time committed_watermark_;
  State state_;
  Time newest_;  ///< reported so far, not counting those ahead
  /// There is no room for an event that is not newer than this, if both are ahead or neither is.
  /// Looking for the oldest events again for each dropped report takes minutes if a source lists
  /// the newest first.
  Time too_old_ = Time::min();
  bool has_reported_ = false;
  std::deque<OpenFamily> families_;
  std::unordered_map<std::int64_t, Copy> copies_;
  std::size_t created_ = 0;
  std::vector<Window> windows_;
  std::vector<std::int64_t> reported_rows_;  ///< only if there are windows

  // Prepared for publish().
  std::vector<std::int64_t> dropped_;
  std::vector<std::pair<Family*, SeriesByLabels>> new_series_;
  std::map<std::string, Family, std::less<>> new_families_;
  std::unordered_map<std::int64_t, Book::Place> new_places_;
};

}  // namespace exporter::ledger
