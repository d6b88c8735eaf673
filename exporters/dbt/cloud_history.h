#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/dbt/cloud_api.h"

namespace exporter::dbt {

/// Reads the runs of an account page by page from a position on, and asks for unfinished ones again
/// until they have ended, or for two days if they cannot be read, and so for runs that are
/// malformed in the list. The ids of runs ascend with their creation; one that is far beyond all
/// others hides no later runs.
class CloudHistory {
 public:
  struct Options {
    std::string project;                             ///< for the log
    std::chrono::milliseconds lookback;              ///< how far back if there is no position
    std::function<bool(const CloudRun&)> is_wanted;  ///< others are skipped
  };
  explicit CloudHistory(Options options) : options_(std::move(options)) {}

  /// Continues after a run, whose id is the position() of an earlier process; 0 if there is none.
  /// Call it before the first read().
  void start_after(std::int64_t position) { position_ = newest_ = position; }

  /// Asks for new runs and for unfinished ones, and calls `use` once with each run that has ended,
  /// and with each unfinished one that is new or has a new status. Throws Error; runs that were
  /// passed to `use` until then stay so.
  void read(const CloudApi& api, const std::function<void(const CloudRun&)>& use,
            const Deadline& deadline);

  /// The unfinished runs, by id; malformed ones are of job 0.
  const std::map<std::int64_t, CloudRun>& open() const { return open_; }

  /// The last run up to which none is unfinished, or pending elsewhere. Never decreases.
  std::int64_t position(const std::vector<std::int64_t>& pending) const;
  /// Records that the position was stored; later runs are read again after a restart.
  void note_stored(std::int64_t position) { position_ = position; }
  std::int64_t stored() const { return position_; }

  /// Changes whenever the unfinished runs change.
  std::uint64_t revision() const { return revision_; }

 private:
  using Use = std::function<void(const CloudRun&)>;
  void read_past(const CloudApi& api, const Use& use, const Deadline& deadline);
  void read_new(const CloudApi& api, const Use& use, const Deadline& deadline);
  void read_open(const CloudApi& api, const Use& use, const Deadline& deadline);
  void note_unreadable(std::int64_t id, const Error& error);
  void close(std::int64_t id);
  void take(const CloudRun& run, const Use& use);
  void pass(std::int64_t id);

  const Options options_;
  /// The progress of read_past(), which continues after a failure.
  struct Past {
    std::size_t page = 0;
    std::int64_t newest = 0, second = 0;  ///< ids
    bool is_due = true;                   ///< the last run; also a malformed one after one that is
  };

  bool has_read_past_ = false;
  Past past_;
  std::int64_t position_ = 0;  // stored: runs up to here are not read again
  std::int64_t newest_ = 0;    // the last one that was listed, except
  std::int64_t leapt_ = 0;     // one whose id is far beyond, and may be wrong
  std::int64_t checked_ = 0;   // the last unfinished one that was requested
  std::map<std::int64_t, CloudRun> open_;
  std::set<std::int64_t> unreadable_;  // of these, at the last request
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
