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

/// The finished runs whose artifacts are to be taken in, and those that were last taken in.
///
/// Each run is offered, the oldest first, until all results of all its steps were taken in. When
/// one cannot be read, those behind it wait for the next look. What is malformed is tried three
/// times, what cannot be fetched for an hour. Of the manifests and catalogs only the newest is
/// offered.
class CloudUnread {
 public:
  explicit CloudUnread(std::string project) : project_(std::move(project)) {}

  void add(const CloudRun& run);
  /// Forgets the runs that were offered to good purpose, or often enough.
  void sweep();
  /// What there is of the oldest runs, and what was taken in before, so that it is known to be
  /// there still. A run whose artifacts are not saved yet waits for ten minutes without holding
  /// others up.
  std::vector<Found> offer(const CloudApi& api, const Deadline& deadline);

  /// Whether something failed by the artifacts of the run, if it is the last of its job that was
  /// added; nothing until they were taken in, and for ever where they were given up.
  std::optional<bool> has_failures(const CloudRun& run) const;

  std::size_t size() const { return runs_.size(); }
  /// The ids of the runs.
  std::vector<std::int64_t> ids() const;

 private:
  /// Where an artifact is, and of when.
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
    bool is_known = false;  ///< what artifacts it has
    std::vector<std::shared_ptr<Results>> results = {};
    std::optional<Clock::time_point> failing_since = {};
  };
  /// Why the first one in a look could not be read.
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

  const std::string project_;
  std::map<std::pair<Time, std::int64_t>, UnreadRun> runs_;     // by end
  std::map<std::pair<std::string, Kind>, Place> last_results_;  // that were taken in, by location
  std::map<Kind, Place> newest_;                                // manifest and catalog
  std::map<std::int64_t, UnreadRun> done_;  // of each job the last one that is no longer in runs_
};

}  // namespace exporter::dbt
