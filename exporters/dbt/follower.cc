#include "exporters/dbt/follower.h"

#include <algorithm>
#include <set>

#include "common/base/log.h"
#include "exporters/dbt/command_end.h"
#include "exporters/dbt/command_line.h"
#include "exporters/dbt/content.h"
#include "exporters/dbt/counters.h"
#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kTimestamp = gauge("dbt_artifact_timestamp_seconds",
                                  "When dbt generated the artifact that is shown, according to the "
                                  "artifact, in seconds since 1970.",
                                  "project", "location", "artifact");
constexpr auto kSize = gauge("dbt_artifact_size_bytes", "Size of the artifact that is shown.",
                             "project", "location", "artifact");
constexpr auto kSchema = gauge("dbt_artifact_schema_version",
                               "Version of the artifact's schema, e.g. 12 for manifest/v12.",
                               "project", "location", "artifact");
constexpr auto kReadable =
    gauge("dbt_artifact_readable",
          "Whether the newest version of the artifact could be read (1), or only part of it, an "
          "older one or none is shown (0); absent while there is no such artifact.",
          "project", "location", "artifact");
constexpr auto kFailures =
    counter("dbt_artifact_read_failures_total",
            "Versions of artifacts that could not be read completely, by reason.", "project",
            "artifact", "reason");
/// How long the state of a removed node is kept: one that is only missing for a while, because of a
/// branch or a disabled directory, continues where it was.
constexpr auto kMemory = std::chrono::days(90);

/// A malformed artifact may have been damaged in transit.
constexpr int kMostTries = 3;
/// dbt writes its artifacts piece by piece. One that cannot be read so soon after it was written is
/// read again before it counts as unreadable, except at the first update, which may be the only one
/// (--once).
bool may_be_unfinished(const Found& found) {
  const auto age = Ledger::wall_clock() - found.modified_at;
  return age >= Time::duration::zero() && age < std::chrono::seconds(10);
}

/// When the invocation started, but not later than now: if a clock is ahead, an alert that waits
/// for an hour would otherwise wait for it as well.
Time begin_of(const Metadata& metadata) {
  const auto at = metadata.invocation_started_at.value_or(metadata.generated_at);
  return std::min(at, Ledger::wall_clock());
}

/// Results of work in the same place end earlier incomplete invocations, unless these results are
/// incomplete too, or empty.
void settle_incomplete(std::map<std::string, Incomplete>& incomplete, const std::string& location,
                       const RunResults& results) {
  if (!results.are_real()) return;
  const auto& metadata = results.metadata;
  if (results.is_interrupted) {
    auto& first = incomplete
                      .try_emplace(location, Incomplete{metadata.invocation_id, begin_of(metadata),
                                                        false, metadata.ordered_at})
                      .first->second;
    first.is_interrupted |= first.invocation_id == metadata.invocation_id;
  } else if (!results.results.empty()) {
    std::erase_if(incomplete, [&](const auto& entry) {
      return entry.first == location && entry.second.ordered_at <= metadata.ordered_at;
    });
  }
}

constexpr MetricView kMetrics[] = {kTimestamp, kSize, kSchema, kReadable, kFailures};

}  // namespace

std::span<const MetricView> Follower::metrics() { return kMetrics; }

Follower::Follower(std::string name, Lister list, SharedLedger ledger, ProjectLabels labels)
    : list_(std::move(list)), ledger_(std::move(ledger)) {
  project_.name = std::move(name);
  project_.labels = std::move(labels);
}

void Follower::update(const Deadline& deadline) {
  is_first_look_ = !is_loaded_;
  if (!is_loaded_) {
    auto run = ledger_.begin(deadline);
    load_stored(run, project_, seen_);
    for (const auto& [key, ordered_at] : project_.taken) latest_ = std::max(latest_, ordered_at);
    is_loaded_ = true;
  }
  auto all = list_(deadline);
  note_listing(all);
  if (all.empty()) throw list_.no_artifacts();
  // Results may depend on the manifest, so read it first.
  std::stable_partition(all.begin(), all.end(),
                        [](const Found& found) { return found.kind == Kind::manifest; });
  for (const auto& found : all) {
    deadline.check();
    follow(found, deadline);
  }
  const auto ended = list_.ended();
  for (const auto& each : ended) take_in(each, deadline);
  has_looked_ = true;
  forget_others(all, deadline);
  look_for_incomplete(all, ended, deadline);
}

void Follower::note_listing(const std::vector<Found>& all) {
  std::set<ArtifactKey> listed;
  for (const auto& found : all) listed.emplace(found.location, found.kind);
  if (listed != listed_) ++revision_;
  listed_ = std::move(listed);
}

/// Checks the invocations that wrote the current manifests; take_in() has done that for results.
/// The log's last line has the command, which may have been unclear from the command line that dbt
/// logs without its quotes.
void Follower::look_for_incomplete(const std::vector<Found>& all,
                                   const std::vector<EndedCommand>& ended,
                                   const Deadline& deadline) {
  auto incomplete = project_.incomplete;
  std::erase_if(incomplete, [&](const auto& entry) {
    return !entry.second.is_interrupted && project_.has_results_of(entry.second.invocation_id);
  });
  for (const auto& each : ended) {
    if (each.has_failed && runs_nodes(each.command)) continue;
    std::erase_if(incomplete, [&](const auto& entry) {
      if (entry.second.invocation_id != each.invocation_id) return false;
      idle_[entry.first] = each.invocation_id;
      return true;
    });
  }
  for (const auto& found : all) {
    const auto seen = seen_.find({found.location, Kind::manifest});
    if (found.kind != Kind::manifest || seen == seen_.end()) continue;
    const auto& metadata = seen->second.metadata;
    const auto& id = metadata.invocation_id;
    if (id.empty() || project_.has_results_of(id) || incomplete.contains(found.location)) continue;
    const auto idle = idle_.find(found.location);
    if (idle != idle_.end() && idle->second == id) continue;
    const auto works = found.set_to_work(id);
    if (works == true) {
      incomplete[found.location] = {id, begin_of(metadata), false, metadata.ordered_at};
    }
    if (works == false) idle_[found.location] = id;
  }
  if (incomplete == project_.incomplete) return;
  auto run = ledger_.begin(deadline);
  store_incomplete(run, project_.incomplete, incomplete);
  run.commit();
  project_.incomplete = std::move(incomplete);
  ++revision_;
}

void Follower::follow(const Found& found, const Deadline& deadline) {
  const ArtifactKey place{found.location, found.kind};
  if (const auto seen = seen_.find(place); seen != seen_.end()) {
    if (seen->second.version == found.version) {
      if (found.taken) found.taken(seen->second.has_failures);
      return;
    }
  }
  const auto failed = failed_.find(place);
  const bool has_failed = failed != failed_.end() && failed->second.version == found.version;
  if (has_failed && failed->second.malformed >= kMostTries) return;
  const std::string kind(to_string(found.kind));
  Content content;
  try {
    content = read_content(found, project_.labels.env_labels);
  } catch (const Error& error) {
    if (found.failed) found.failed(error);
    if (!is_first_look_ && may_be_unfinished(found)) return;
    auto& failure = failed_[place];
    if (!has_failed) {
      failure = {found.version};
      note_failure(kind, error);
    }
    if (error.reason() == Reason::decode) ++failure.malformed;
    return;
  }
  Unread unread;
  bool failures = false;
  std::visit(
      [&](auto& artifact) {
        tell_of_new_schema(place, artifact.metadata.schema_version);
        note_end(artifact, found, deadline);
        compare_clocks(found, artifact.metadata);
        artifact.metadata.ordered_at = order(found, artifact.metadata);
        unread = artifact.unread;
        failures = has_failures(artifact);
        const SeenArtifacts::value_type seen{
            place, {found.version, artifact.metadata, found.size, failures}};
        take_in(seen, std::move(artifact), deadline);
        ++revision_;
      },
      content);
  note_taken(place, found.version, unread);
  if (found.taken) found.taken(failures);
}

void Follower::note_taken(const ArtifactKey& place, const std::string& version,
                          const Unread& unread) {
  const std::string kind(to_string(place.second));
  failed_.erase(place);
  if (unread.parts == 0) {
    logged_.erase(kind);
    return;
  }
  failed_[place] = {version};
  note_failure(kind, Error(Reason::decode, "parts left out: " + std::to_string(unread.parts) +
                                               ", the first: " + unread.error));
}

void Follower::take_in(const SeenArtifacts::value_type& seen, Manifest manifest, const Deadline&) {
  apply_manifest(project_, std::move(manifest));
  seen_[seen.first] = seen.second;
}

void Follower::take_in(const SeenArtifacts::value_type& seen, Catalog catalog, const Deadline&) {
  apply_catalog(project_, std::move(catalog));
  seen_[seen.first] = seen.second;
}

void Follower::take_in(const SeenArtifacts::value_type& seen, const RunResults& results,
                       const Deadline& deadline) {
  auto run = ledger_.begin(deadline);
  auto changed = project_;
  const bool is_news = apply_run_results(changed, results);
  if (is_news) settle_incomplete(changed.incomplete, seen.first.first, results);
  count_run_results(run, changed, results);
  store_run_results(run, changed, results);
  commit(run, seen, std::move(changed), results.metadata);
}

void Follower::take_in(const SeenArtifacts::value_type& seen, const FreshnessResults& results,
                       const Deadline& deadline) {
  auto run = ledger_.begin(deadline);
  auto changed = project_;
  apply_freshness(changed, results);
  count_freshness(run, changed, results);
  store_freshness(run, changed, results);
  commit(run, seen, std::move(changed), results.metadata);
}

/// Commands with results were taken in with them. A success matters if the command failed before:
/// nothing else may report it, as for `dbt deps`.
void Follower::take_in(const EndedCommand& ended, const Deadline& deadline) {
  if (project_.has_results_of(ended.invocation_id)) return;
  if (project_.taken.contains({ended.invocation_id, Kind::manifest})) return;
  const auto last = project_.invocations.find(ended.command);
  const bool had_failed =
      last != project_.invocations.end() && last->second.outcome == Outcome::failure;
  if (!ended.has_failed && !had_failed) return;
  RunResults results;
  results.command = ended.command;
  results.has_failed = ended.has_failed;
  results.is_logged_alone = true;
  results.metadata.invocation_id = ended.invocation_id;
  results.metadata.generated_at = std::min(ended.at, Ledger::wall_clock());
  results.metadata.ordered_at =
      has_looked_ ? std::max(Ledger::wall_clock(), latest_) : results.metadata.generated_at;
  latest_ = std::max(latest_, results.metadata.ordered_at);
  auto run = ledger_.begin(deadline);
  auto changed = project_;
  apply_run_results(changed, results);
  count_run_results(run, changed, results);
  store_run_results(run, changed, results);
  store_taken(run, changed, results.metadata, results.kind());
  run.commit();
  project_ = std::move(changed);
  ++revision_;
}

/// Results are stored, because dbt overwrites them; a manifest and a catalog are read again after a
/// restart.
void Follower::commit(Ledger::Run& run, const SeenArtifacts::value_type& seen, Project changed,
                      const Metadata& metadata) {
  store_incomplete(run, project_.incomplete, changed.incomplete);
  store_seen(run, seen);
  store_taken(run, changed, metadata, seen.first.second);
  remove_gone(run, changed, metadata.ordered_at - kMemory);
  run.commit();
  project_ = std::move(changed);
  seen_[seen.first] = seen.second;
}

/// Discards locations that no longer exist, such as directories named after a date, if other
/// locations have the same artifact.
void Follower::forget_others(const std::vector<Found>& all, const Deadline& deadline) {
  std::set<ArtifactKey> places;
  std::set<Kind> kinds;
  for (const auto& found : all) {
    places.emplace(found.location, found.kind);
    kinds.insert(found.kind);
  }
  const auto is_other = [&](const auto& entry) {
    return kinds.contains(entry.first.second) && !places.contains(entry.first);
  };
  if (std::erase_if(failed_, is_other) > 0) ++revision_;
  std::erase_if(idle_, [&](const auto& idle) {
    return !places.contains({idle.first, Kind::manifest});
  });
  if (std::ranges::none_of(seen_, is_other)) return;
  auto run = ledger_.begin(deadline);
  for (const auto& entry : seen_) {
    if (is_other(entry)) remove_seen(run, entry.first);
  }
  auto incomplete = project_.incomplete;
  std::erase_if(incomplete, [&](const auto& entry) {
    return is_other(std::pair(std::pair(entry.first, Kind::manifest), 0));
  });
  store_incomplete(run, project_.incomplete, incomplete);
  run.commit();
  project_.incomplete = std::move(incomplete);
  std::erase_if(seen_, is_other);
  ++revision_;
}

void Follower::note_failure(const std::string& kind, const Error& error) {
  ++failures_[{kind, error.reason()}];
  ++revision_;
  auto& logged = logged_[kind];
  if (logged == error.what()) return;
  logged = error.what();
  log::warn("artifact not read", {{"project", project_.name}, {"error", logged}});
}

void Follower::tell_of_new_schema(const ArtifactKey& place, int version) const {
  const auto seen = seen_.find(place);
  const bool is_told = seen != seen_.end() && seen->second.metadata.schema_version == version;
  if (is_told || version <= newest_schema(place.second)) return;
  log::warn("artifact with a newer schema than this exporter knows, read as the newest known one",
            {{"project", project_.name},
             {"location", place.first},
             {"artifact", to_string(place.second)},
             {"schema_version", version}});
}

void Follower::add_to(Samples& samples) const {
  const auto add = [&](const auto& metric, const auto& place, double value) {
    samples.add(metric, value, project_.name, place.first, to_string(place.second));
  };
  for (const auto& [place, seen] : seen_) {
    if (listed_.contains(place)) add(kReadable, place, failed_.contains(place) ? 0 : 1);
    add(kTimestamp, place, unix_seconds(seen.metadata.generated_at));
    if (seen.size > 0) add(kSize, place, static_cast<double>(seen.size));
    add(kSchema, place, seen.metadata.schema_version);
  }
  for (const auto& [place, version] : failed_) {
    if (!seen_.contains(place) && listed_.contains(place)) add(kReadable, place, 0);
  }
  for (const auto& [key, count] : failures_) {
    samples.add(kFailures, static_cast<double>(count), project_.name, key.first,
                to_string(key.second));
  }
}

}  // namespace exporter::dbt
