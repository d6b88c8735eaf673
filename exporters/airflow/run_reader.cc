#include "exporters/airflow/run_reader.h"

#include <algorithm>
#include <optional>

namespace exporter::airflow {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// A change becomes visible when its transaction commits, and the clocks of a deployment differ:
/// the maximum delay for nearly all changes, and for all.
constexpr auto kSettled = seconds(5);
constexpr auto kOverlap = seconds(60);
constexpr auto kLatest = minutes(11);
/// How far back runs are recent, and how often old and possibly late ones are read.
constexpr auto kRecent = std::chrono::hours(24);
constexpr auto kPause = minutes(10);
/// At this length a slice is read page by page: many runs may change at the same moment.
constexpr auto kShortest = std::chrono::milliseconds(1);
constexpr auto kLongest = std::chrono::hours(24);
constexpr double kMostGrowth = 8;  // of the next slice
/// Runs that ended before the first reading are needed only for the last run of each DAG: this many
/// are enough, unless the clocks differ.
constexpr std::size_t kMostOfPast = 20'000;
constexpr auto kLeastOfPast = minutes(5);

class Reader {
 public:
  Reader(const History& history, const LiveSet<DagRun>& live, Allowance& allowance)
      : history_(history), live_(live), allowance_(allowance) {}

  RunsRead read(const RunsKnown& known, Time::duration lookback);

 private:
  void read_changes();
  void read_recent(Time until, const Slice& slice);
  void read_slices(Time& position, Time& read_up_to, Time to, Time::duration overlap, Slice slice);
  Time::duration next_length(Time::duration length, Time::duration left) const;
  bool read_slice(const Slice& slice);
  void read_moment(const Slice& slice);
  void read_left(const std::set<RunKey>& left);
  void note_left(const std::set<RunKey>& before);
  void take(std::vector<DagRun> runs);

  const History& history_;
  const LiveSet<DagRun>& live_;
  Allowance& allowance_;
  bool is_first_ = false;
  std::size_t page_ = 100;  // Airflow's maximum, unless it is configured lower
  std::size_t last_count_ = 0;
  RunsRead read_;
  std::set<RunKey> ended_;
};

RunsRead Reader::read(const RunsKnown& known, Time::duration lookback) {
  auto& position = read_.known.position;
  position = known.position;
  read_.known.read_up_to = known.read_up_to;
  is_first_ = position.recent == Time();
  if (is_first_) position.recent = position.old = position.late = live_.time - lookback;
  for (const auto& run : live_.rows) read_.known.live.insert(key_of(run));
  allowance_.failures().attempt([&] { read_changes(); });
  read_left(known.left);
  // Reading the last minute again does not undo what was read.
  auto& read_up_to = read_.known.read_up_to;
  read_up_to.recent = std::max(read_up_to.recent, known.read_up_to.recent);
  note_left(known.left);
  note_left(known.live);
  return std::move(read_);
}

/// Runs that were due long ago rarely change, and a database scans its whole table for each slice
/// of them. The boundary between old and recent runs stays behind what was read before, so that old
/// ones are few even after an outage.
void Reader::read_changes() {
  auto& position = read_.known.position;
  auto& read_up_to = read_.known.read_up_to;
  const bool has_filter = history_.has_due_filter;
  const auto until =
      std::chrono::floor<std::chrono::milliseconds>(live_.time) - Time::duration(kSettled);
  const auto due_from = position.recent - kRecent;
  read_recent(until, has_filter ? Slice{.due_from = due_from} : Slice());
  if (!has_filter) {
    position.old = position.recent;
    read_up_to.old = read_up_to.recent;
  } else if (until - read_up_to.old >= kPause) {
    read_slices(position.old, read_up_to.old, until, kLatest, {.due_to = due_from});
  }
  if (until - kLatest - position.late < kPause) return;
  Slice late;
  if (has_filter) late.due_from = position.late - kRecent;
  read_slices(position.late, read_up_to.late, until - Time::duration(kLatest), {}, late);
}

/// Changes that are old enough when first read need no second reading.
void Reader::read_recent(Time until, const Slice& slice) {
  auto& position = read_.known.position;
  const auto begin = position.recent;
  const auto note = [&] {
    if (!is_first_ && begin > position.late) return;
    const auto end = read_.known.read_up_to.recent;
    position.late = std::max(position.late, std::min(end, until - Time::duration(kLatest)));
    read_.known.read_up_to.late = position.late;
  };
  try {
    read_slices(position.recent, read_.known.read_up_to.recent, until, kOverlap, slice);
  } catch (const Error&) {
    note();
    throw;
  }
  note();
}

/// Advances `position` and `read_up_to` with each slice.
void Reader::read_slices(Time& position, Time& read_up_to, Time to, Time::duration overlap,
                         Slice slice) {
  auto from = position;
  auto length = std::max<Time::duration>(to - from, kShortest);
  auto too_far = from;  // the end of the last slice that had too many rows
  while (from < to && allowance_.take()) {
    length = std::clamp<Time::duration>(length, kShortest, kLongest);
    const auto end = std::min(to, from + length);
    slice.from = from;
    slice.to = end;
    if (read_slice(slice)) {
      from = end;
      length = next_length(length, too_far - from);
    } else if (is_first_ && from == position && last_count_ > kMostOfPast) {
      const auto share = static_cast<double>(kMostOfPast) / static_cast<double>(last_count_);
      const auto past = std::chrono::duration_cast<Time::duration>((end - from) * share);
      from = position = end - std::max<Time::duration>(past, kLeastOfPast);
      length = to - from;
    } else if (length > kShortest) {
      too_far = end;
      length /= 2;
    } else {
      read_moment(slice);
      from = end;
    }
    read_up_to = from;
    position = std::max(position, std::min(from, to - overlap));
  }
}

/// After an empty slice, half of the distance to where there are too many rows.
Time::duration Reader::next_length(Time::duration length, Time::duration left) const {
  if (last_count_ == 0 && left > Time::duration::zero()) return left / 2;
  const auto rows = static_cast<double>(std::max<std::size_t>(last_count_, 1));
  const auto growth = std::min(0.7 * static_cast<double>(page_) / rows, kMostGrowth);
  return std::chrono::duration_cast<Time::duration>(length * growth);
}

/// False if it has more rows than fit on a page.
bool Reader::read_slice(const Slice& slice) {
  auto page = history_.changed_runs(slice, 0);
  last_count_ = page.total;
  if (page.received < page.total) {
    page_ = std::max<std::size_t>(page.received, 2);
    return false;
  }
  take(std::move(page.rows));
  return true;
}

/// Reads all pages, regardless of their cost, and repeats this until a pass finds nothing new,
/// because rows may leave the slice while it is read.
void Reader::read_moment(const Slice& slice) {
  for (bool has_news = true; has_news;) {
    const auto before = ended_.size();
    for (std::size_t offset = 0;;) {
      auto page = history_.changed_runs(slice, offset);
      offset += page.received;
      const bool is_last = page.received == 0 || offset >= page.total;
      take(std::move(page.rows));
      if (is_last) break;
    }
    has_news = ended_.size() != before;
  }
}

/// Asks for those that the slices should have had but did not.
void Reader::read_left(const std::set<RunKey>& left) {
  for (const auto& key : left) {
    if (ended_.contains(key) || read_.known.live.contains(key)) continue;
    if (!allowance_.take()) return;
    std::optional<DagRun> run;
    if (!allowance_.failures().attempt([&] { run = history_.find_run(key); })) continue;
    if (!run) {
      ended_.insert(key);  // deleted
    } else if (run->has_ended()) {
      take({std::move(*run)});
    } else {
      read_.known.live.insert(key);
    }
  }
}

void Reader::note_left(const std::set<RunKey>& before) {
  for (const auto& key : before) {
    if (!read_.known.live.contains(key) && !ended_.contains(key)) read_.known.left.insert(key);
  }
}

void Reader::take(std::vector<DagRun> runs) {
  for (auto& run : runs) {
    if (!run.has_ended()) continue;
    ended_.insert(key_of(run));
    read_.ended.push_back(std::move(run));
  }
}

}  // namespace

RunsRead read_runs(const History& history, const LiveSet<DagRun>& live, const RunsKnown& known,
                   Time::duration lookback, Allowance& allowance) {
  return Reader(history, live, allowance).read(known, lookback);
}

}  // namespace exporter::airflow
