#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "common/ledger/ledgers.h"
#include "common/metric/samples.h"
#include "exporters/dbt/cloud_api.h"
#include "exporters/dbt/cloud_history.h"
#include "exporters/dbt/cloud_unread.h"

namespace exporter::dbt {

/// A job and the state of its runs.
struct CloudJobState {
  CloudJob job;
  std::optional<CloudRun> last;  ///< the one that ended last
  std::optional<Time> success_at;
  Clock::time_point ask_at{};  ///< when its runs may be requested, after a failure
};

/// Follows the runs of a dbt Cloud account: counts each once, and lists the artifacts of finished
/// runs.
class Cloud {
 public:
  struct Options {
    std::string project;                 ///< the label
    std::set<std::int64_t> jobs;         ///< empty: all
    std::chrono::milliseconds lookback;  ///< how far back to read runs if there is no state
  };

  /// Keeps its position in the ledger, which is its own, and continues from there.
  Cloud(Options options, CloudApi api, SharedLedger ledger);
  Cloud(const Cloud&) = delete;
  Cloud& operator=(const Cloud&) = delete;

  /// Asks for new runs and for those that had not ended. Not thread-safe.
  std::vector<Found> list(const Deadline& deadline);

  /// Adds the state as of the last update.
  void add_to(Samples& samples) const;
  /// Changes whenever that state changes.
  std::uint64_t revision() const { return revision_ + history_.revision(); }
  static std::span<const MetricView> metrics();

 private:
  void load(const Deadline& deadline);
  void name_jobs(const Deadline& deadline);
  void list_jobs(const Deadline& deadline);
  void ask_of_jobs(const Deadline& deadline);
  void ask_of_job(std::int64_t id, CloudJobState& state, const Deadline& deadline);
  bool is_wanted(std::int64_t job) const;
  void take(const CloudRun& run);
  void note_end(const CloudRun& run);
  std::string position_key() const;
  void store(const Deadline& deadline);

  const Options options_;
  const CloudApi api_;
  const SharedLedger ledger_;
  CloudHistory history_;
  bool is_loaded_ = false;
  Clock::time_point named_at_;
  bool is_listed_ = false;  // whether the jobs were, at named_at_
  CloudNames names_;
  std::map<std::int64_t, CloudJobState> jobs_;
  std::set<std::int64_t> asked_;  // jobs whose newest runs were requested
  std::vector<CloudRun> uncounted_;
  CloudUnread unread_;
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
