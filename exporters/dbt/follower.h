#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "common/base/error.h"
#include "common/ledger/ledgers.h"
#include "common/metric/samples.h"
#include "exporters/dbt/lister.h"
#include "exporters/dbt/project.h"
#include "exporters/dbt/stored.h"

namespace exporter::dbt {

/// Follows the artifacts of one project: reads each version of each once, and keeps what was good
/// while a newer one cannot be read.
///
/// Order. An artifact that takes the place of another while this looks on is the newest of all,
/// whatever it says of its time: the clocks of machines differ. What was there at the first look is
/// ordered by its own time, but for what lies after its file was written, or ahead of now.
class Follower {
 public:
  /// Goes on from what is stored in the ledger, which is the project's own.
  Follower(std::string name, Lister list, SharedLedger ledger, ProjectLabels labels = {});

  /// Reads what is new. What cannot be read is counted and logged, and tried again the next time,
  /// malformed ones twice more. Throws Error when there are no artifacts or they cannot be listed,
  /// or the ledger cannot be written; what is known of the project stays.
  void update(const Deadline& deadline);

  const Project& project() const { return project_; }
  const Ledger& ledger() const { return *ledger_; }
  /// Another number whenever something of it all has changed.
  std::uint64_t revision() const { return revision_; }
  /// What it says of the artifacts themselves.
  void add_to(Samples& samples) const;
  static std::span<const MetricView> metrics();

 private:
  using Content = std::variant<Manifest, Catalog, RunResults, FreshnessResults>;
  struct Failed {
    std::string version;
    int malformed = 0;  ///< how often it was read and found so
  };
  Content read(const Found& found) const;

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
  std::map<ArtifactKey, Failed> failed_;  // the version that cannot be read whole
  std::map<std::pair<std::string, Reason>, std::size_t> failures_;  // by artifact
  std::map<std::string, std::string> logged_;                       // by artifact: the last error
  std::set<ArtifactKey> listed_;                                    // at the last look
  std::map<std::string, std::string> idle_;  // by location: an invocation that set nothing to work
  std::set<ArtifactKey> off_clocks_;         // of which it was logged
  Time latest_;                              // in the order of artifacts
  bool is_loaded_ = false, is_first_look_ = false, has_looked_ = false;
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
