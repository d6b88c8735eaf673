#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "common/base/deadline.h"
#include "common/ledger/book.h"
#include "common/metric/metric.h"
#include "common/metric/samples.h"

namespace exporter {

namespace ledger {
class Store;
}

/// One piece of a source's work that is counted once: a query, a task, a run.
struct Event {
  std::string_view id;  ///< the same in each report of it; at most Ledger::kMaxId bytes
  ledger::Time when;    ///< when it happened, by the source's clock; the same in each report too
};

/// Counters and histograms that count each event of work once, however often, late or corrected the
/// source reports it, and go on where they were after a restart.
///
///     auto run = ledger.begin(deadline);
///     for (const auto& task : source.since(run.metadata("position"))) {
///       run.record(kTasks, {task.id, task.ended}, 1, task.state);
///       run.observe(kSeconds, kBounds, {task.id, task.ended}, task.seconds, task.queue);
///     }
///     run.set_metadata("position", source.position());
///     run.commit();
///     ledger.add_to(samples, kTasks);
///     ledger.add_to(samples, kSeconds, kBounds);
///
/// The truth of a series is the sum of the values that were last reported of its events, exact to
/// 1e-9. What is shown is the highest truth that was ever committed, as a counter never falls: a
/// correction downwards waits until growth has made up for it. Each bucket of a histogram and its
/// sum keep this rule for themselves; the count is the sum of the shown buckets.
///
/// An event that happened longer than the allowed lateness before the newest one is compacted: its
/// value stays, its id is forgotten, and later reports of it, or of others as old, are ignored. It
/// is the newest event that moves the watermark, at a commit, and not the clock: what happened
/// while the exporter was down is not late. So read the oldest first when a backlog takes several
/// runs.
///
/// State is one SQLite file; a commit has reached the disk when it returns. A file that is damaged,
/// of an older version or none of ours is set aside under a new name, and the ledger starts afresh;
/// both are logged and show in figures().
class Ledger {
 public:
  using Time = ledger::Time;

  struct Options {
    /// How late a source may report or correct an event. Events are compacted in steps of a
    /// sixteenth.
    std::chrono::microseconds allowed_lateness = std::chrono::hours(48);
    /// How far before its first start the ledger counts what happened; later starts do not matter.
    std::chrono::microseconds past = {};
    /// Series without an event for so long before the newest event of all are dropped, but never
    /// within the allowed lateness.
    std::chrono::microseconds retention = std::chrono::days(90);
    /// Beyond these, records of new series or events are left out, and counted as dropped.
    std::size_t max_series = 100'000;
    std::int64_t max_open_events = 10'000'000;
  };

  static constexpr std::size_t kMaxId = 1024, kMaxLabelValue = 1024;  ///< bytes
  static constexpr std::size_t kMaxMetadataKey = 2048, kMaxMetadata = 65'536;
  /// What is further ahead of the clock counts but does not move the line.
  static constexpr std::chrono::minutes kMaxAhead{5};

  /// Opens or makes `state_dir`/`name`.ledger, with the folder if it is not there; without a folder
  /// the ledger is in memory. Throws Error{io} that names the file when it cannot be written, when
  /// another process has it or the disk is full, and Error{config} when a newer version made it.
  Ledger(std::string name, const std::filesystem::path& state_dir, const Options& options,
         Time now = wall_clock());
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  const std::string& name() const { return name_; }
  /// From the next run on.
  void set_options(const Options& options);

  class Run;
  /// Waits until no other run is open. Throws Error{timeout} or Error{cancelled}, and Error{io}.
  Run begin(const Deadline& deadline, Time now = wall_clock());

  /// Whether a series is shown, by the values of its labels.
  using Keep = std::function<bool(std::span<const std::string_view>)>;
  /// Adds all series of a counter or, with its bounds, of a histogram as of the last commit, or
  /// those to keep; their order depends on their labels alone.
  void add_to(Samples& samples, const MetricView& metric, std::span<const double> bounds = {},
              const Keep& keep = {}) const;

  /// What a ledger says of itself, as of the last commit.
  struct Figures {
    Time started, newest, written;
    std::size_t series;
    std::int64_t open_events, corrections, late, dropped, size_bytes;
    bool discarded;  ///< the state found at the start was of no use and was set aside
  };
  Figures figures() const;

  static Time wall_clock();

 private:
  ledger::Store& usable_store(Time now);
  void open(Time now);
  void load(Time now);
  void set_aside(const std::string& why, Time now);

  const std::string name_;
  const std::string path_;                ///< empty: in memory
  std::unique_ptr<ledger::Store> store_;  ///< this and the next belong to the open run
  bool unusable_ = false;

  mutable std::mutex mutex_;  ///< of all below
  std::condition_variable_any idle_;
  bool running_ = false;
  Options options_;
  ledger::State state_;
  ledger::SeriesByKey series_;
  std::int64_t size_bytes_ = 0;
  bool discarded_ = false;
};

/// All or nothing: what is not committed was never there. For one thread at a time; the ledger
/// outlives it. After an Error{decode} of a record the run goes on without it; after any other
/// error it can only end.
class Ledger::Run {
 public:
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Says that the event adds `value` to the series; another value than before is a correction, and
  /// the same one changes nothing. An event that moves to another series is recorded with 0 in the
  /// old one. Throws Error{decode} that names the series for a value that is not from 0 to 1e18 and
  /// for an id or label that is too long, Error{io}, and Error{internal} for a family that is no
  /// counter.
  template <std::size_t N, class... Values>
  void record(const Metric<N>& counter, const Event& event, double value, const Values&... labels) {
    static_assert(sizeof...(Values) == N, "one value for each declared label");
    const std::array<std::string_view, N> values{std::string_view(labels)...};
    record(MetricView(counter), event, value, values);
  }
  void record(const MetricView& counter, const Event& event, double value,
              std::span<const std::string_view> labels);

  /// The same for one observation of a histogram; `bounds` are positive and ascend, as for
  /// Samples::add_histogram(). Other bounds than before begin a new family.
  template <std::size_t N, class... Values>
  void observe(const Metric<N>& histogram, std::span<const double> bounds, const Event& event,
               double value, const Values&... labels) {
    static_assert(sizeof...(Values) == N, "one value for each declared label");
    const std::array<std::string_view, N> values{std::string_view(labels)...};
    observe(MetricView(histogram), bounds, event, value, values);
  }
  void observe(const MetricView& histogram, std::span<const double> bounds, const Event& event,
               double value, std::span<const std::string_view> labels);

  /// A text of the collector's own that is durable with the counters: how far the source has been
  /// read, what is known beside them. Empty until it is set, and when it is set empty. A key is
  /// UTF-8. Throws Error{io}, and Error{decode} for a key or a text that is too long.
  std::string metadata(std::string_view key);
  void set_metadata(std::string_view key, std::string_view text);
  /// The notes whose keys begin with the prefix, in the order of their keys.
  void each_metadata(std::string_view prefix, const ledger::MetadataUse& use);

  /// Makes it durable, and then visible. Throws Error{io}: nothing of the run is kept.
  void commit();

 private:
  friend class Ledger;
  /// Keeps other runs out.
  struct Turn {
    Turn(Ledger& of, const Deadline& deadline);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    Ledger& ledger;
  };

  Run(Ledger& ledger, const Deadline& deadline, Time now);
  void begin_earlier();
  void take(const MetricView& metric, std::span<const double> bounds, const Event& event,
            double value, std::span<const std::string_view> labels);
  void store(std::span<const double> bounds, const Event& event, double value,
             ledger::Amount amount);
  const ledger::Series* find_series() const;
  bool has_room(const ledger::Series* known) const;
  ledger::Series& edit(const ledger::Series* known, std::size_t cells);
  void compact();
  void publish();
  template <class Work>
  void guarded(Work&& work);

  Turn turn_;
  ledger::Store& store_;
  Time now_;
  Options options_;
  ledger::State state_;
  ledger::SeriesByKey changed_;
  std::int64_t created_before_ = 0, size_bytes_ = 0;
  Time dropped_before_ = Time::min();
  bool intact_ = true;
  std::string key_;
};

}  // namespace exporter
