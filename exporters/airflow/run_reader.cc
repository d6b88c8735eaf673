#include "exporters/airflow/run_reader.h"

#include <algorithm>
#include <optional>

#include "exporters/airflow/list.h"

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
/// A slice that cannot be read is halved until it has at most so many rows, which are then read
/// apart.
constexpr std::size_t kMostApart = 8;
/// Runs that ended before the first reading are needed only for the last run of each DAG: this many
/// are enough, unless the clocks differ.
constexpr std::size_t kMostOfPast = 20'000;
constexpr auto kLeastOfPast = minutes(5);

/// Which changes are read: those of recently due runs, of the others, or the former once more.
enum class Part { recent, old, late };

constexpr Time::duration overlap_of(Part part) {
  return part == Part::recent ? Time::duration(kOverlap)
         : part == Part::old  ? Time::duration(kLatest)
                              : Time::duration();
}

Time& time_of(Part part, RunPosition& position) {
  return part == Part::recent ? position.recent : part == Part::old ? position.old : position.late;
}

class Reader {
 public:
  Reader(const History& history, const LiveSet<DagRun>& live, Allowance& allowance)
      : history_(history), live_(live), allowance_(allowance) {}

  RunsRead read(const RunsKnown& known, Time::duration lookback);

 private:
  /// The number of rows of a page, and of the whole list.
  struct Extent {
    std::size_t received, total;
  };

  void read_changes();
  void read_recent(Time until, const Slice& slice);
  void read_slices(Part part, Time to, Slice slice);
  void advance(Part part, Time from, Time to);
  Time::duration next_length(Time::duration length, Time::duration left) const;
  bool read_slice(const Slice& slice);
  void read_moment(const Slice& slice);
  void note_read(const Slice& slice);
  Extent read_page(const Slice& slice, std::size_t offset, std::size_t most_apart);
  bool read_apart(const Slice& slice, std::size_t from, std::size_t to, std::size_t total);
  void read_left(const std::set<RunKey>& left);
  void note_left(const std::set<RunKey>& before);
  void take_changed(std::vector<DagRun> runs);
  void take(std::vector<DagRun> runs);

  const History& history_;
  const LiveSet<DagRun>& live_;
  Allowance& allowance_;
  bool is_first_ = false;
  std::size_t page_ = 100;  // Airflow's maximum, unless it is configured lower
  std::size_t last_count_ = 0;
  Time fails_to_;               // the end of the last slice that could not be read
  std::size_t left_out_ = 0;    // of the last slice
  std::string left_out_error_;  // of one of them
  RunsRead read_;
  std::set<RunKey> ended_;
};

RunsRead Reader::read(const RunsKnown& known, Time::duration lookback) {
  auto& position = read_.known.position;
  position = known.position;
  read_.known.read_up_to = known.read_up_to;
  read_.known.unread = known.unread;
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
  read_.known.unread.give_up(position.late, false);
  read_.known.unread.give_up(position.old, true);
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
    read_slices(Part::old, until, {.due_to = due_from});
  }
  const auto late_until = until - Time::duration(kLatest);
  if (late_until - std::max(position.late, read_up_to.late) < kPause) return;
  Slice late;
  if (has_filter) late.due_from = position.late - kRecent;
  read_slices(Part::late, late_until, late);
}

/// Changes that are old enough when first read need no second reading.
void Reader::read_recent(Time until, const Slice& slice) {
  auto& position = read_.known.position;
  const auto begin = position.recent;
  const auto note = [&] {
    if (!is_first_ && begin > position.late) return;
    const auto end = read_.known.read_up_to.recent;
    const auto settled = std::min(end, until - Time::duration(kLatest));
    const auto& unread = read_.known.unread;
    position.late = std::max(position.late, unread.passed(settled, false, live_.time));
    read_.known.read_up_to.late = position.late;
  };
  try {
    read_slices(Part::recent, until, slice);
  } catch (const Error&) {
    note();
    throw;
  }
  note();
}

/// A slice that cannot be read is narrowed down whatever it costs, because the next reading would
/// have to do it again.
void Reader::read_slices(Part part, Time to, Slice slice) {
  auto& position = time_of(part, read_.known.position);
  auto from = position;
  auto length = std::max<Time::duration>(to - from, kShortest);
  auto too_far = from;  // the end of the last slice that had too many rows
  fails_to_ = from;
  while (from < to && (allowance_.take() || from < fails_to_)) {
    length = std::clamp<Time::duration>(length, kShortest, kLongest);
    const auto end = std::min(to, from + length);
    slice.from = from;
    slice.to = end;
    left_out_ = 0;
    if (read_slice(slice)) {
      from = end;
      length = from < fails_to_ ? fails_to_ - from : next_length(length, too_far - from);
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
    if (from == end) note_read(slice);
    advance(part, from, to);
  }
}

/// What a recent reading leaves out is asked for again by a late one.
void Reader::advance(Part part, Time from, Time to) {
  time_of(part, read_.known.read_up_to) = from;
  auto passed = std::min(from, to - overlap_of(part));
  if (part != Part::recent) {
    passed = read_.known.unread.passed(passed, part == Part::old, live_.time);
  } else if (left_out_ > 0) {
    passed = from;
  }
  auto& position = time_of(part, read_.known.position);
  position = std::max(position, passed);
}

/// After an empty slice, half of the distance to where there are too many rows.
Time::duration Reader::next_length(Time::duration length, Time::duration left) const {
  if (last_count_ == 0 && left > Time::duration::zero()) return left / 2;
  const auto rows = static_cast<double>(std::max<std::size_t>(last_count_, 1));
  const auto growth = std::min(0.7 * static_cast<double>(page_) / rows, kMostGrowth);
  return std::chrono::duration_cast<Time::duration>(length * growth);
}

/// False if it has more rows than fit on a page, or than are read apart.
bool Reader::read_slice(const Slice& slice) {
  const auto page = read_page(slice, 0, kMostApart);
  last_count_ = page.total;
  if (page.received >= page.total) return true;
  if (page.received > 0) page_ = std::max<std::size_t>(page.received, 2);
  return false;
}

/// Reads all pages, regardless of their cost, and repeats this until a pass finds nothing new,
/// because rows may leave the slice while it is read.
void Reader::read_moment(const Slice& slice) {
  for (bool has_news = true; has_news;) {
    const auto before = ended_.size();
    left_out_ = 0;
    for (std::size_t offset = 0;;) {
      const auto page = read_page(slice, offset, kPage);
      offset += page.received;
      if (page.received == 0 || offset >= page.total) break;
    }
    has_news = ended_.size() != before;
  }
}

void Reader::note_read(const Slice& slice) {
  read_.known.unread.note(slice, left_out_, left_out_error_, live_.time);
}

/// A page that cannot be read as a whole is read apart if it has at most `most_apart` rows;
/// otherwise none is received.
Reader::Extent Reader::read_page(const Slice& slice, std::size_t offset, std::size_t most_apart) {
  const bool is_known_to_fail = offset == 0 && slice.to == fails_to_;
  const bool is_part = slice.from < fails_to_;
  try {
    if (!is_known_to_fail) {
      auto page = is_part ? history_.some_changed(slice, offset, kPage)
                          : history_.changed_runs(slice, offset);
      take_changed(std::move(page.rows));
      return {page.received, page.total};
    }
  } catch (const Error& error) {
    if (!Failures::may_be_of_one(error)) throw;
  }
  fails_to_ = slice.to;
  for (const auto before = left_out_;; left_out_ = before) {
    allowance_.take();
    const auto total = history_.count_changed(slice);
    const auto end = std::min(total, offset + kPage);
    if (end > offset + most_apart) return {0, total};
    if (read_apart(slice, offset, end, total)) return {end - std::min(end, offset), total};
  }
}

/// False if rows have left the slice meanwhile: those behind them have moved.
bool Reader::read_apart(const Slice& slice, std::size_t from, std::size_t to, std::size_t total) {
  bool has_moved = false;
  const auto ask = [&](std::size_t offset, std::size_t limit) {
    allowance_.take();
    auto page = history_.some_changed(slice, offset, limit);
    has_moved |= page.total != total;
    take_changed(std::move(page.rows));
    return page.received;
  };
  const auto leave_out = [&](const Error& error) {
    ++left_out_;
    left_out_error_ = error.what();
    allowance_.failures().note_left_out(error);
  };
  airflow::read_apart(from, to, ask, leave_out);
  return !has_moved;
}

/// Asks for those that the slices should have had but did not.
void Reader::read_left(const std::set<RunKey>& left) {
  std::vector<RunKey> keys(left.begin(), left.end());
  allowance_.failures().arrange(keys);
  for (const auto& key : keys) {
    if (ended_.contains(key) || read_.known.live.contains(key)) continue;
    if (!allowance_.take()) return;
    std::optional<DagRun> run;
    if (!allowance_.failures().attempt(key, [&] { run = history_.find_run(key); })) continue;
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

void Reader::take_changed(std::vector<DagRun> runs) {
  if (!runs.empty()) read_.known.unread.note_readable(live_.time);
  take(std::move(runs));
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
