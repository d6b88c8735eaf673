#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/metric/samples.h"
#include "exporters/dbt/project.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {

/// Follows the artifacts of one project: reads each version of each once, and keeps what was good
/// while a newer one cannot be read.
class Follower {
 public:
  Follower(std::string name, Source source);

  /// Reads what is new. What fails is counted and logged, and tried again the next time.
  void update(const Deadline& deadline);

  const Project& project() const { return project_; }
  /// What it says of the artifacts themselves.
  void add_to(Samples& samples) const;
  static std::span<const MetricView> metrics();

 private:
  /// An artifact at one place.
  struct Followed {
    std::string version;  ///< that was taken in
    std::string failed;   ///< the version that could not be read, if that is newer
    Metadata metadata;
    std::uint64_t size = 0;
  };
  using Key = std::pair<std::string, Kind>;  // location

  void follow(const Found& found);
  Metadata take_in(const Found& found);
  bool is_incomplete(const std::vector<Found>& all) const;
  void note_failure(const std::string& kind, const Error& error);

  Source source_;
  Project project_;
  std::map<Key, Followed> followed_;
  std::map<std::pair<std::string, Reason>, std::size_t> failures_;  // by artifact
  std::map<std::string, std::string> logged_;                       // by artifact: the last error
  bool is_listed_ = false;
};

}  // namespace exporter::dbt
