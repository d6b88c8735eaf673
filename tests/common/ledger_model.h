#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/ledger/ledger.h"

/// The contract in the ledger's header, computed in the simplest way: all events in a map, all sums
/// recomputed at each commit, in whole thousandths. It shares no code with the ledger.
namespace model {

using exporter::Ledger;
using exporter::MetricView;
using Time = Ledger::Time;
using Labels = std::vector<std::string>;

/// What an event counts.
struct Value {
  std::int64_t thousandths = 0;       ///< the number, the observation, or the sum; -1 is rejected
  std::vector<std::uint64_t> counts;  ///< if several observations are reported
  bool operator==(const Value&) const = default;
};

class Model {
 public:
  /// A ledger created at that time.
  explicit Model(Time created);

  void begin(const Ledger::Options& options, Time now);
  /// `bounds` are empty for a counter. They and the metric must outlive the model.
  void report(const MetricView& metric, std::span<const double> bounds, const std::string& id,
              Time when, const Value& value, const Labels& labels);
  void ensure(const MetricView& counter, const Labels& labels);
  void replace_window(Time from, Time to, const std::vector<MetricView>& families);
  void set_metadata(const std::string& key, const std::string& text);
  void commit();
  /// Replaces a commit.
  void abandon();

  /// As of the last commit.
  std::string page(const MetricView& metric, std::span<const double> bounds) const;
  Ledger::Figures figures() const;
  const std::map<std::string, std::string>& metadata() const { return committed_.metadata; }
  Time watermark() const { return committed_.watermark; }

 private:
  /// The order of a page: a label comes before its own prefixes.
  struct LongerFirst {
    bool operator()(const Labels& a, const Labels& b) const;
  };
  struct Known {
    Labels labels;
    Time when;
    std::optional<Value> value;  ///< empty if a window was replaced without it
    bool is_reported = false;    ///< in this run
  };
  using Cells = std::vector<std::int64_t>;  ///< thousandths; counts are whole
  struct Series {
    Time newest = Time::min();
    Cells compacted, shown;
  };
  struct Family {
    MetricView metric;
    std::vector<double> bounds;
    std::map<std::string, Known> events;
    std::map<Labels, Series, LongerFirst> series;
  };
  struct Window {
    Time from, to;
    std::set<std::string> families;  ///< by the names of their metrics; all when empty
  };
  struct Ledgered {
    Time started, since, watermark, newest, written;
    Time jumped_from, jumped_to;        ///< by more than the allowed lateness
    Time retention_from, retention_to;  ///< by more than the retention
    std::optional<Time> ahead_to;
    Time ahead_since;
    std::int64_t corrections = 0, late = 0, ahead = 0, dropped = 0, compacted_early = 0;
    std::map<std::string, Family> families;  ///< by name and bounds
    std::map<std::string, std::string> metadata;
  };

  static Cells cells_of(const Family& family, const Value& value);
  static void add(Cells& cells, const Cells& more);
  void set_clock();
  Family& family(const MetricView& metric, std::span<const double> bounds);
  std::int64_t open_events() const;
  std::int64_t series_count() const;
  bool is_late(Time when) const;
  void see(Time when);
  bool has_room_for(const Family& family, const Labels& labels) const;
  bool make_room(Time when);
  Series& series_of(Family& family, const Labels& labels);
  std::int64_t compact(Time from, Time to);
  void clear_windows();
  void move_watermark();
  Time newest_known() const;

  Ledgered committed_, draft_;
  Ledger::Options options_;
  Time now_, limit_;
  Time newest_;  ///< of this run's reports too
  std::vector<Window> windows_;
};

}  // namespace model
