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
#include "exporters/dbt/memory.h"
#include "exporters/dbt/project.h"
#include "exporters/dbt/source.h"

namespace exporter::dbt {

/// Follows the artifacts of one project: reads each version of each once, and keeps what was good
/// while a newer one cannot be read.
class Follower {
 public:
  /// Goes on from what the ledger, which is the project's own, has kept of it.
  Follower(std::string name, Source source, SharedLedger ledger);

  /// Reads what is new. What cannot be read is counted and logged, and tried again the next time,
  /// malformed ones twice more.
  /// Throws Error when it cannot be taken into the ledger.
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
  static Content read(const Found& found);

  void follow(const Found& found, const Deadline& deadline);
  template <class Artifact>
  void take_in(const SeenByPlace::key_type& place, const Found& found, Artifact artifact,
               const Deadline& deadline);
  void note_listing(const std::vector<Found>& all);
  void set(bool& fact, bool value);
  void forget_others(const std::vector<Found>& all, const Deadline& deadline);
  void look_for_incomplete(const std::vector<Found>& all, const Deadline& deadline);
  void settle_incomplete(Ledger::Run& run, const std::string& location, const RunResults& results);
  void note_failure(const std::string& kind, const Error& error);
  void tell_of_new_schema(const SeenByPlace::key_type& place, int version) const;

  Source source_;
  SharedLedger ledger_;
  Project project_;
  SeenByPlace seen_;
  std::map<SeenByPlace::key_type, Failed> failed_;  // the newer version that cannot be read
  std::map<std::pair<std::string, Reason>, std::size_t> failures_;  // by artifact
  std::map<std::string, std::string> logged_;                       // by artifact: the last error
  std::set<SeenByPlace::key_type> listed_;                          // at the last look
  std::map<std::string, std::string> idle_;  // by location: an invocation that set nothing to work
  bool is_recalled_ = false, is_listed_ = false;
  std::uint64_t revision_ = 0;
};

}  // namespace exporter::dbt
