#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/error.h"
#include "exporters/dbt/cloud_api.h"
#include "exporters/dbt/lister.h"

namespace exporter::dbt {

/// The finished runs whose artifacts have not been read, and the last that were read.
///
/// Offers each run, the oldest first, until all results of all its steps were read. If results
/// cannot be read, later ones wait for the next update. Malformed results are tried three times,
/// unavailable ones for an hour, and so is the list of a run's artifacts, which holds up no other
/// run unless more than three fail at once. Of manifests and catalogs only the newest is offered.
class CloudUnread {
 public:
  explicit CloudUnread(std::string project) : project_(std::move(project)) {}

  void add(const CloudRun& run);
  /// Removes the runs that were read, or offered often enough.
  void sweep();
  /// The artifacts of the oldest runs, and those that were read before, so that they still count as
  /// present. A run whose artifacts are not yet saved may wait ten minutes without blocking others.
  std::vector<Found> offer(const CloudApi& api, const Deadline& deadline);

  /// Whether the artifacts of the run report a failure, if it is the last run of its job that was
  /// added; nothing until they were read, or if reading them was given up.
  std::optional<bool> has_failures(const CloudRun& run) const;

  std::size_t size() const { return runs_.size(); }
  /// The ids of the runs.
  std::vector<std::int64_t> ids() const;

 private:
  /// The location of an artifact, and its time.
  struct Place {
    Time ended_at;
    std::int64_t run = 0, job = 0;
    CloudStep step;
    Kind kind = Kind::manifest;
  };
  /// The results of a step.
  struct Results {
    Place place;
    bool is_taken = false, has_failures = false;
    int malformed = 0;
    std::optional<Clock::time_point> failing_since = {};
  };
  struct UnreadRun {
    CloudRun run;
    bool is_known = false;  ///< whether its artifacts are known
    std::vector<std::shared_ptr<Results>> results = {};
    std::optional<Clock::time_point> failing_since = {};
    Clock::time_point ask_at{};  ///< when its artifacts may be requested, after a failure
  };
  /// The first error of an update.
  using FirstFailure = std::shared_ptr<std::optional<Error>>;

  static Found found(const CloudApi& api, const Place& place, const Deadline& deadline);
  static Found offered(const CloudApi& api, const std::shared_ptr<Results>& results,
                       const FirstFailure& failure, const Deadline& deadline);
  static bool is_done(const Results& results);
  static bool is_done(const UnreadRun& run);
  static bool is_taken(const UnreadRun& run);
  static std::optional<bool> has_failures(const UnreadRun& run);
  void note_taken(const Results& results);
  void explore(UnreadRun& run, const CloudApi& api, const Deadline& deadline);
  std::optional<Error> try_explore(UnreadRun& run, const CloudApi& api, const Deadline& deadline);
  void explore(const CloudApi& api, const Deadline& deadline);

  const std::string project_;
  std::map<std::pair<Time, std::int64_t>, UnreadRun> runs_;     // by end
  std::map<std::pair<std::string, Kind>, Place> last_results_;  // that were read, by location
  std::map<Kind, Place> newest_;                                // manifest and catalog
  std::map<std::int64_t, UnreadRun> done_;  // the last run of each job that is no longer in runs_
};

}  // namespace exporter::dbt
