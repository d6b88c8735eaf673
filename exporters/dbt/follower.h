#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "common/base/error.h"
#include "common/ledger/ledgers.h"
#include "common/metric/samples.h"
#include "exporters/dbt/lister.h"
#include "exporters/dbt/project.h"
#include "exporters/dbt/stored.h"

namespace exporter::dbt {

/// Follows the artifacts of one project: reads each version of each once, and keeps the last good
/// one while a newer one cannot be read.
///
/// Order. An artifact that replaces another while this process runs is the newest of all, whatever
/// its own time, because the clocks of machines differ. Artifacts that existed before the first
/// update are ordered by their own times, limited to when the file was written and to now.
class Follower {
 public:
  /// Continues from the state in the ledger, which is the project's own.
  Follower(std::string name, Lister list, SharedLedger ledger, ProjectLabels labels = {});

  /// Reads what is new. What cannot be read is counted, logged and tried again at the next update;
  /// a malformed version twice. Throws Error if there are no artifacts, they cannot be listed, or
  /// the ledger cannot be written; the state of the project is kept.
  void update(const Deadline& deadline);

  const Project& project() const { return project_; }
  const Ledger& ledger() const { return *ledger_; }
  /// Changes whenever any of its state changes.
  std::uint64_t revision() const { return revision_; }
  /// Adds the metrics of the artifacts themselves.
  void add_to(Samples& samples) const;
  static std::span<const MetricView> metrics();

 private:
  struct Failed {
    std::string version;
    int malformed = 0;  ///< how often it was read as malformed
  };

  Time order(const Found& found, const Metadata& metadata);
  void compare_clocks(const Found& found, const Metadata& metadata);
  void follow(const Found& found, const Deadline& deadline);
  void take_in(const SeenArtifacts::value_type& seen, Manifest manifest, const Deadline& deadline);
  void take_in(const SeenArtifacts::value_type& seen, Catalog catalog, const Deadline& deadline);
  void take_in(const SeenArtifacts::value_type& seen, const RunResults& results,
               const Deadline& deadline);
  void take_in(const SeenArtifacts::value_type& seen, const FreshnessResults& results,
               const Deadline& deadline);
  void take_in(const EndedCommand& ended, const Deadline& deadline);
  void commit(Ledger::Run& run, const SeenArtifacts::value_type& seen, Project changed,
              const Metadata& metadata);
  void note_listing(const std::vector<Found>& all);
  void forget_others(const std::vector<Found>& all, const Deadline& deadline);
  void look_for_incomplete(const std::vector<Found>& all, const std::vector<EndedCommand>& ended,
                           const Deadline& deadline);
  void note_taken(const ArtifactKey& place, const std::string& version, const Unread& unread);
  void note_failure(const std::string& kind, const Error& error);
  void tell_of_new_schema(const ArtifactKey& place, int version) const;

  Lister list_;
  SharedLedger ledger_;
  Project project_;
  SeenArtifacts seen_;
  std::map<ArtifactKey, Failed> failed_;  // the version that cannot be read completely
  std::map<std::pair<std::string, Reason>, std::size_t> failures_;  // by artifact
  std::map<std::string, std::string> logged_;                       // by artifact: the last error
  std::set<ArtifactKey> listed_;                                    // at the last update
  std::map<std::string, std::string> idle_;  // by location: an invocation that did not run nodes
  std::set<ArtifactKey> off_clocks_;         // logged already
  Time latest_;                              // in the order of artifacts
  bool is_loaded_ = false, is_first_look_ = false, has_looked_ = false;
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
