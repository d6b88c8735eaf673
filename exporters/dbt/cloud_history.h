#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/dbt/cloud_api.h"

namespace exporter::dbt {

/// Reads the runs of an account, page by page from a position on, and looks again at those that
/// are open until they have ended. Ids rise with the time at which runs are made.
class CloudHistory {
 public:
  struct Options {
    std::string project;                             ///< for the log
    std::chrono::milliseconds lookback;              ///< how far back without a position
    std::function<bool(const CloudRun&)> is_wanted;  ///< others are passed over
  };
  explicit CloudHistory(Options options) : options_(std::move(options)) {}

  /// Goes on after a run, whose id an earlier process had as position(); 0 without one. Before the
  /// first read().
  void start_after(std::int64_t position) { position_ = newest_ = position; }

  /// Asks for new runs and for those that were open, and calls `use` with each that has ended,
  /// once, and with each that is open and new or has another status. Throws Error; what was used
  /// by then stays so.
  void read(const CloudApi& api, const std::function<void(const CloudRun&)>& use,
            const Deadline& deadline);

  /// Those that have not ended, by id.
  const std::map<std::int64_t, CloudRun>& open() const { return open_; }

  /// The run up to which nothing is open, nor pending elsewhere. Never falls.
  std::int64_t position(const std::vector<std::int64_t>& pending) const;
  /// Has the position stored; what comes after it is read again after a restart.
  void note_stored(std::int64_t position) { position_ = position; }
  std::int64_t stored() const { return position_; }

  /// Another number whenever the open ones have changed.
  std::uint64_t revision() const { return revision_; }

 private:
  using Use = std::function<void(const CloudRun&)>;
  void read_past(const CloudApi& api, const Use& use, const Deadline& deadline);
  void read_new(const CloudApi& api, const Use& use, const Deadline& deadline);
  void read_open(const CloudApi& api, const Use& use, const Deadline& deadline);
  void take(const CloudRun& run, const Use& use);

  const Options options_;
  bool has_read_past_ = false;
  std::int64_t position_ = 0;  // stored: runs up to here are not read again
  std::int64_t newest_ = 0;    // the last one that was listed
  std::int64_t checked_ = 0;   // the last open one that was asked for
  std::map<std::int64_t, CloudRun> open_;
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
