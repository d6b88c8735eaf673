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

/// A unit of a source's work: a query, the run of a task, an hour of a warehouse.
struct Event {
  std::string_view id;  ///< must never change in the source; at most Ledger::kMaxId bytes
  /// When it happened, by the source's clock; must be the same in each report.
  std::chrono::sys_time<std::chrono::microseconds> when;
};

/// Counters and histograms that count each event of a source once, no matter how often or how late
/// it is reported or corrected, and that continue after a restart.
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
/// Identity. An event is identified by its family and its id. A family is a metric's name, the
/// names of its labels and the bounds of a histogram. The last report of an event replaces the
/// earlier ones: its value, and the series that it counts in. Work that counts in several series of
/// one family needs an id for each.
///
/// Values. The true value of a series is the sum of its events, exact to 1e-9. The page shows the
/// highest sum that was ever committed, because a counter must not fall: after a downward
/// correction it stays until new events make up for it. This holds for each bucket of a histogram
/// and for its sum separately; the count is the sum of the shown buckets.
///
/// Time. Events before the watermark are compacted: their values stay, their ids are discarded, and
/// reports about them are late; these are ignored and counted. At a commit the watermark advances
/// to the newest event minus the allowed lateness, in steps of a sixteenth of the allowed lateness
/// (at least a second). The passing of time without events makes nothing late. If a commit moves
/// the newest event by more than the allowed lateness (the source was quiet, the exporter was down,
/// a clock was wrong), that move compacts nothing: the watermark waits at the event that was newest
/// before, until the newest has moved by the same amount once more.
///
/// Clocks. An event that is more than kMaxAhead ahead of the clock counts, but can be the newest
/// only after the clock has reached it. If the clock goes back, the newest event becomes the newest
/// one that is not ahead, and a watermark that is ahead goes back to the clock plus kMaxAhead.
/// Events compacted beyond that stay late until the clock reaches them or the allowed lateness has
/// passed.
///
/// Room. With `max_open_events` reached, the oldest sixteenth is compacted to make room for a newer
/// event. For an event that is not ahead of the clock, all that are ahead are compacted if the
/// oldest sixteenth is ahead. Any other new event is dropped, and so is a report that needs a new
/// series beyond `max_series`; the last report of a known event stays. Late and dropped events can
/// be the newest too.
///
/// Durability. The state is one SQLite file; when commit() returns, the run is on disk. Each row
/// has a checksum. A file that is damaged, truncated or not a ledger is renamed, and the ledger
/// starts again; this is logged and shown in figures(). A file of an older version is migrated.
class Ledger {
 public:
  using Time = std::chrono::sys_time<std::chrono::microseconds>;

  /// The options of one run; the next may have others.
  struct Options {
    /// How long after an event the source may still report or correct it.
    std::chrono::microseconds allowed_lateness = std::chrono::hours(48);
    /// How far before its first start the ledger counts; has no effect once it has counted.
    std::chrono::microseconds past = {};
    /// A series is dropped when its last event is compacted and is older than the newest of all by
    /// this much. If the newest moves by more than this at once, the time starts again.
    std::chrono::microseconds retention = std::chrono::days(90);
    std::size_t max_series = 100'000;
    std::int64_t max_open_events = 10'000'000;
  };
  /// Throws Error{config} if a time is negative.
  static void check(const Options& options);

  static constexpr std::size_t kMaxId = 1024, kMaxLabelValue = 1024;  ///< bytes
  static constexpr std::size_t kMaxMetadataKey = 2048, kMaxMetadata = 65'536;
  static constexpr std::chrono::minutes kMaxAhead{5};

  /// Opens or creates `state_dir`/`name`.ledger, creating the directory if needed; without a
  /// directory the ledger is in memory. Everything whose size depends on the events is read by the
  /// first begin(). Throws Error{io} naming the file if it is not writable or another process has
  /// locked it, and Error{config} if a newer version wrote it.
  Ledger(std::string name, const std::filesystem::path& state_dir,
         std::vector<Migration> migrations = {}, Time now = wall_clock());
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  const std::string& name() const;

  class Run;
  /// Waits until no other run is open. A run whose deadline was stopped does not block it: it is
  /// rolled back, and its next call throws Error{cancelled}. Throws Error{timeout},
  /// Error{cancelled} and Error{io}.
  Run begin(const Deadline& deadline, const Options& options, Time now = wall_clock());

  /// Whether to show a series, given the values of its labels.
  using Keep = std::function<bool(std::span<const std::string_view>)>;
  /// The exemplars of a series by the values of its labels, as Samples::add_histogram() takes them.
  using Exemplars = std::function<std::span<const std::string>(std::span<const std::string_view>)>;
  /// Adds all series of a counter or, with its bounds, of a histogram as of the last commit, or
  /// those that `keep` accepts, in an order that depends only on their labels; nothing before the
  /// first run.
  void add_to(Samples& samples, const MetricView& metric, std::span<const double> bounds = {},
              const Keep& keep = {}, const Exemplars& exemplars = {}) const;

  /// The ledger's own metrics, as of the last commit.
  struct Figures {
    Time started, newest, watermark, written;
    std::int64_t series, open_events, corrections, size_bytes;
    std::int64_t late, ahead;               ///< reports
    std::int64_t dropped, compacted_early;  ///< because of a limit: reports, and events
  };
  /// Empty before the first run if an older version wrote the file.
  std::optional<Figures> figures() const;
  /// Whether this process found an unusable file and renamed it.
  bool has_discarded_state() const;

  static Time wall_clock();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A transaction: nothing of it is visible or kept unless it is committed. Not thread-safe; the
/// ledger must outlive it. After an Error{decode} of a row the run can continue, and the last
/// report of that event stays, also within a window; after any other error it can only be
/// destroyed. All functions throw Error{io} and Error{cancelled}, and Error{internal} for a metric
/// of another type.
class Ledger::Run {
 public:
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Counts `value` for the event. Throws Error{decode} naming the series if the value is not from
  /// 0 to 1e18, or if an id or a label is too long.
  template <std::size_t N, class... Values>
  void record(const Metric<N>& counter, const Event& event, double value, const Values&... labels) {
    record(MetricView(counter), event, value, texts<N>(labels...));
  }
  void record(const MetricView& counter, const Event& event, double value,
              std::span<const std::string_view> labels);

  /// Whether record() would count the event for the first time: it is neither known nor late. For
  /// work whose first report must stay, and for data about its events only.
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

  /// The same for an event that stands for many observations, as grouped by a database: `counts[i]`
  /// of them fell into (bounds[i-1], bounds[i]], the last ones above all bounds, and `sum` is their
  /// sum.
  template <std::size_t N, class... Values>
  void observe_counts(const Metric<N>& histogram, std::span<const double> bounds,
                      const Event& event, std::span<const std::uint64_t> counts, double sum,
                      const Values&... labels) {
    observe_counts(MetricView(histogram), bounds, event, counts, sum, texts<N>(labels...));
  }
  void observe_counts(const MetricView& histogram, std::span<const double> bounds,
                      const Event& event, std::span<const std::uint64_t> counts, double sum,
                      std::span<const std::string_view> labels);

  /// Creates the series, at 0, if it does not exist, because increase() ignores the first value of
  /// a series. It is as new as the newest event.
  template <std::size_t N, class... Values>
  void ensure(const Metric<N>& counter, const Values&... labels) {
    ensure(MetricView(counter), texts<N>(labels...));
  }
  void ensure(const MetricView& counter, std::span<const std::string_view> labels);

  /// The newest event, before this run, that is not ahead of its clock. A collector that has stored
  /// how far it has read continues here if that is ahead, because a clock was wrong.
  Time newest() const;

  /// Declares that this run reports all events of these families, or of all families, that happened
  /// from `from` until before `to`: at the commit, the known ones that it did not report lose their
  /// values, but stay known. Call it before the reports; there may be several windows. Events
  /// before the watermark do not change.
  void replace_window(Time from, Time to, std::span<const MetricView> families = {});

  /// Keeps the last report of an event within a window if its row cannot be read. `bounds` are
  /// those of a histogram.
  void keep(const MetricView& metric, std::string_view id, std::span<const double> bounds = {});

  /// A text of the collector that is committed together with the counters: how far it has read the
  /// source, and what else it must remember. Empty unless set; setting an empty text removes it.
  /// Keys are UTF-8. Throws Error{decode} if a key or a text is too long.
  std::string metadata(std::string_view key);
  void set_metadata(std::string_view key, std::string_view text);
  /// Calls `use(key, text)` for all keys that start with the prefix, in their order, with their
  /// texts at the time of the call; `use` may set others.
  void each_metadata(std::string_view prefix,
                     const std::function<void(std::string_view, std::string_view)>& use);

  /// Commits to disk, then makes the run visible, and ends it. If it throws, nothing of the run is
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
