#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "common/ledger/migration.h"
#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

/// A piece of a source's work: a query, the run of a task, an hour of a warehouse.
struct Event {
  std::string_view id;  ///< what the source never changes; at most Ledger::kMaxId bytes
  /// When it happened, by the source's clock; the same in each report.
  std::chrono::sys_time<std::chrono::microseconds> when;
};

/// Counters and histograms that count each event of a source once, however often, late or
/// corrected it is reported, and go on where they were after a restart.
///
///     const auto tasks = source.read(position);  // fetch first: an open run excludes others
///     auto run = ledger.begin(deadline, options);
///     for (const auto& task : tasks) {
///       run.record(kTasks, {task.id, task.ended}, 1, task.state);
///       run.observe(kSeconds, kBounds, {task.id, task.ended}, task.seconds, task.queue);
///     }
///     run.set_metadata("position", source.position());
///     run.commit();
///     ledger.add_to(samples, kTasks);
///     ledger.add_to(samples, kSeconds, kBounds);
///
/// Identity. An event is known by its family and its id; a family is a metric's name, the names of
/// its labels and a histogram's bounds. The last report of an event replaces those before: its
/// value, and the series that it counts in. Work that counts in several series of one family has
/// an id for each.
///
/// Values. The truth of a series is the sum of its events, exact to 1e-9. What is shown is the
/// highest truth that was ever committed, as a counter never falls: a correction downwards waits
/// until growth has made up for it. Each bucket of a histogram and its sum keep this rule for
/// themselves; the count is the sum of the shown buckets.
///
/// Time. What happened before the watermark is compacted: its values stay, its ids are discarded,
/// and reports of it are late, which are ignored and counted. At a commit the watermark follows
/// the newest event at the distance of the allowed lateness, in whole sixteenths of it (at least
/// seconds). Time that passes without events makes nothing late. A commit that moves the newest
/// event by more than the allowed lateness (the source was quiet, the exporter was down, a clock
/// was wrong) compacts nothing by this move: the watermark waits at the event that was newest
/// before until the newest has moved by as much once more.
///
/// Clocks. An event that is more than kMaxAhead ahead of the clock counts, but is the newest only
/// when the clock has reached it. When the clock goes back, the newest event is the newest known
/// one that is not ahead, and a watermark that is ahead goes back to kMaxAhead beyond the clock;
/// what was compacted beyond that stays late until the clock is there again or the allowed lateness
/// has passed.
///
/// Room. A ledger with `max_open_events` compacts the oldest sixteenth of them for an event that
/// is newer than these, and all that are ahead of the clock for one that is not, where the oldest
/// sixteenth is ahead; any other new event is dropped, as is a report that needs a new series
/// beyond `max_series`: of a known event the one before stays. Even an event that is late or
/// dropped is the newest if its time is.
///
/// Durability. State is one SQLite file; a commit has reached the disk when it returns. Each row
/// has a checksum. A file that is damaged, cut off or not a ledger is renamed and the ledger starts
/// again; that is logged and shown in figures(). A file of an older version is migrated.
class Ledger {
 public:
  using Time = std::chrono::sys_time<std::chrono::microseconds>;

  /// Of one run; the next may have others.
  struct Options {
    /// How long after an event the source may still report or correct it.
    std::chrono::microseconds allowed_lateness = std::chrono::hours(48);
    /// How far before its first start the ledger counts; without effect once it has counted.
    std::chrono::microseconds past = {};
    /// Series are dropped when their last event is compacted and so much older than the newest of
    /// all. A jump of the newest by more than this starts it again.
    std::chrono::microseconds retention = std::chrono::days(90);
    std::size_t max_series = 100'000;
    std::int64_t max_open_events = 10'000'000;
  };
  /// Throws Error{config} when a time is negative.
  static void check(const Options& options);

  static constexpr std::size_t kMaxId = 1024, kMaxLabelValue = 1024;  ///< bytes
  static constexpr std::size_t kMaxMetadataKey = 2048, kMaxMetadata = 65'536;
  static constexpr std::chrono::minutes kMaxAhead{5};

  /// Opens or creates `state_dir`/`name`.ledger, with the directory if it is not there; without a
  /// directory the ledger is in memory. What grows with the file is read by the first begin().
  /// Throws Error{io} that names the file when it cannot be written or another process has it, and
  /// Error{config} when a newer version wrote it.
  Ledger(std::string name, const std::filesystem::path& state_dir,
         std::vector<Migration> migrations = {}, Time now = wall_clock());
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  const std::string& name() const;

  class Run;
  /// Waits until no other run is open. A run whose deadline was stopped does not hold it up: it is
  /// rolled back, and its next call throws Error{cancelled}. Throws Error{timeout} or
  /// Error{cancelled}, and Error{io}.
  Run begin(const Deadline& deadline, const Options& options, Time now = wall_clock());

  /// Whether a series is shown, by the values of its labels.
  using Keep = std::function<bool(std::span<const std::string_view>)>;
  /// The exemplars of a series by the values of its labels, as Samples::add_histogram() takes them.
  using Exemplars = std::function<std::span<const std::string>(std::span<const std::string_view>)>;
  /// Adds all series of a counter or, with its bounds, of a histogram as of the last commit, or
  /// those to keep, in an order that depends on their labels alone; nothing before the first run.
  void add_to(Samples& samples, const MetricView& metric, std::span<const double> bounds = {},
              const Keep& keep = {}, const Exemplars& exemplars = {}) const;

  /// What a ledger says of itself, as of the last commit.
  struct Figures {
    Time started, newest, watermark, written;
    std::int64_t series, open_events, corrections, size_bytes;
    std::int64_t late, ahead;               ///< reports
    std::int64_t dropped, compacted_early;  ///< for want of room: reports, and events
  };
  /// Nothing before the first run when an older version wrote the file.
  std::optional<Figures> figures() const;
  /// Whether this process found a file that could not be used and renamed it.
  bool has_discarded_state() const;

  static Time wall_clock();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// All or nothing: what is not committed was never there. For one thread at a time; the ledger
/// outlives it. After an Error{decode} of a row the run goes on, and what was reported of the event
/// before stays, in a window too; after any other error it can only end. All verbs throw Error{io}
/// and Error{cancelled}, and Error{internal} for a metric of another type.
class Ledger::Run {
 public:
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Counts `value` for the event. Throws Error{decode} that names the series for a value that is
  /// not from 0 to 1e18 and for an id or a label that is too long.
  template <std::size_t N, class... Values>
  void record(const Metric<N>& counter, const Event& event, double value, const Values&... labels) {
    record(MetricView(counter), event, value, texts<N>(labels...));
  }
  void record(const MetricView& counter, const Event& event, double value,
              std::span<const std::string_view> labels);

  /// Whether record() would count the event as one that was never reported: it is neither known nor
  /// late. For work whose first report is to stand, and for what is told of its event alone.
  template <std::size_t N>
  bool is_new(const Metric<N>& counter, const Event& event) {
    return is_new(MetricView(counter), event);
  }
  bool is_new(const MetricView& counter, const Event& event);

  /// The same for one observation of a histogram; `bounds` are positive and ascend.
  template <std::size_t N, class... Values>
  void observe(const Metric<N>& histogram, std::span<const double> bounds, const Event& event,
               double value, const Values&... labels) {
    observe(MetricView(histogram), bounds, event, value, texts<N>(labels...));
  }
  void observe(const MetricView& histogram, std::span<const double> bounds, const Event& event,
               double value, std::span<const std::string_view> labels);

  /// The same for an event that stands for many observations, as a database groups them:
  /// `counts[i]` of them fell into (bounds[i-1], bounds[i]], the last ones above all bounds, and
  /// `sum` is the sum of all.
  template <std::size_t N, class... Values>
  void observe_counts(const Metric<N>& histogram, std::span<const double> bounds,
                      const Event& event, std::span<const std::uint64_t> counts, double sum,
                      const Values&... labels) {
    observe_counts(MetricView(histogram), bounds, event, counts, sum, texts<N>(labels...));
  }
  void observe_counts(const MetricView& histogram, std::span<const double> bounds,
                      const Event& event, std::span<const std::uint64_t> counts, double sum,
                      std::span<const std::string_view> labels);

  /// Makes the series exist, at 0 if it is new: increase() does not see the first value of a
  /// series. It is as new as the newest event.
  template <std::size_t N, class... Values>
  void ensure(const Metric<N>& counter, const Values&... labels) {
    ensure(MetricView(counter), texts<N>(labels...));
  }
  void ensure(const MetricView& counter, std::span<const std::string_view> labels);

  /// Says that this run reports all events of these families, or of all families, that happened
  /// from `from` until before `to`: at the commit the known ones that it did not report are set to
  /// nothing, and stay known. Before the reports themselves; may be called for several windows.
  /// What lies before the watermark stays as it is.
  void replace_window(Time from, Time to, std::span<const MetricView> families = {});

  /// Says that a window has the event, whose row cannot be read: what was reported of it before
  /// stays. `bounds` are those of a histogram.
  void keep(const MetricView& metric, std::string_view id, std::span<const double> bounds = {});

  /// A text of the collector's own that is durable with the counters: how far the source has been
  /// read, what is known beside them. Empty until it is set, and when it is set empty. A key is
  /// UTF-8. Throws Error{decode} for a key or a text that is too long.
  std::string metadata(std::string_view key);
  void set_metadata(std::string_view key, std::string_view text);
  /// Calls `use(key, text)` with all whose keys start with the prefix, in the order of their keys,
  /// as they are at the call; `use` may set others.
  void each_metadata(std::string_view prefix,
                     const std::function<void(std::string_view, std::string_view)>& use);

  /// Makes it durable, and then visible, and ends the run. When it throws, nothing of the run is
  /// kept.
  void commit();

 private:
  friend class Ledger;
  struct Impl;

  template <std::size_t N, class... Values>
  static std::array<std::string_view, N> texts(const Values&... labels) {
    static_assert(sizeof...(Values) == N, "one value for each declared label");
    return {std::string_view(labels)...};
  }
  explicit Run(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace exporter
