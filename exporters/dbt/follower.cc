#include "exporters/dbt/follower.h"

#include <algorithm>

#include "common/base/log.h"
#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kUp = gauge("dbt_up",
                           "Whether the place of the project's artifacts could be looked into (1) "
                           "and holds some, or not (0).",
                           "project");
constexpr auto kTimestamp =
    gauge("dbt_artifact_timestamp_seconds",
          "When dbt wrote the artifact that is shown, by its own word, in seconds since 1970.",
          "project", "location", "artifact");
constexpr auto kSize = gauge("dbt_artifact_size_bytes", "Size of the artifact that is shown.",
                             "project", "location", "artifact");
constexpr auto kSchema = gauge("dbt_artifact_schema_version",
                               "Version of the artifact's schema, e.g. 12 for manifest/v12.",
                               "project", "location", "artifact");
constexpr auto kReadable =
    gauge("dbt_artifact_readable",
          "Whether the newest version of the artifact could be read (1), or an older one is shown, "
          "or none (0).",
          "project", "location", "artifact");
constexpr auto kFailures = counter("dbt_artifact_read_failures_total",
                                   "Versions of artifacts that could not be read, and failures to "
                                   "look for artifacts (artifact is empty), by reason.",
                                   "project", "artifact", "reason");
constexpr MetricView kMetrics[] = {kUp, kTimestamp, kSize, kSchema, kReadable, kFailures};

}  // namespace

std::span<const MetricView> Follower::metrics() { return kMetrics; }

Follower::Follower(std::string name, Source source) : source_(std::move(source)) {
  project_.name = std::move(name);
}

void Follower::update(const Deadline& deadline) {
  std::vector<Found> all;
  try {
    all = source_(deadline);
    is_listed_ = !all.empty();
  } catch (const Error& error) {
    is_listed_ = false;
    note_failure("", error);
    return;
  }
  // What a result means can depend on the manifest.
  std::ranges::stable_partition(all,
                                [](const Found& found) { return found.kind == Kind::manifest; });
  for (const auto& found : all) {
    deadline.check();
    follow(found);
  }
  project_.is_incomplete = is_incomplete(all);
}

/// The newest manifest, when results of its invocation would have to be there.
bool Follower::is_incomplete(const std::vector<Found>& all) const {
  const auto newest = std::ranges::find_if(
      all.rbegin(), all.rend(), [](const Found& found) { return found.kind == Kind::manifest; });
  if (newest == all.rend()) return false;
  const auto followed = followed_.find({newest->location, newest->kind});
  if (followed == followed_.end()) return false;
  const auto& id = followed->second.metadata.invocation_id;
  return !id.empty() && !project_.has_results_of(id) && newest->set_to_work(id);
}

void Follower::follow(const Found& found) {
  auto& followed = followed_[{found.location, found.kind}];
  if (followed.version == found.version) return;
  const std::string kind(to_string(found.kind));
  try {
    const auto metadata = take_in(found);
    followed = {found.version, {}, metadata, found.size};
    logged_.erase(kind);
  } catch (const Error& error) {
    if (followed.failed != found.version) note_failure(kind, error);
    followed.failed = found.version;
  }
}

Metadata Follower::take_in(const Found& found) {
  const auto put = [this](auto read) {
    auto metadata = read.metadata;
    take(project_, std::move(read));
    return metadata;
  };
  switch (found.kind) {
    case Kind::manifest: return put(read_manifest(found.artifact));
    case Kind::catalog: return put(read_catalog(found.artifact));
    case Kind::sources: return put(read_freshness_results(found.artifact));
    case Kind::run_results: break;
  }
  return put(read_run_results(found.artifact));
}

void Follower::note_failure(const std::string& kind, const Error& error) {
  ++failures_[{kind, error.reason()}];
  auto& logged = logged_[kind];
  if (logged == error.what()) return;
  logged = error.what();
  log::warn("artifact not read", {{"project", project_.name}, {"error", logged}});
}

void Follower::add_to(Samples& samples) const {
  samples.add(kUp, is_listed_ ? 1 : 0, project_.name);
  for (const auto& [key, followed] : followed_) {
    const auto& [location, kind] = key;
    const auto add = [&, artifact = to_string(kind)](const auto& metric, double value) {
      samples.add(metric, value, project_.name, location, artifact);
    };
    add(kReadable, followed.failed.empty() ? 1 : 0);
    if (followed.version.empty()) continue;
    add(kTimestamp, unix_seconds(followed.metadata.generated_at));
    add(kSize, static_cast<double>(followed.size));
    add(kSchema, followed.metadata.schema_version);
  }
  for (const auto& [key, count] : failures_) {
    samples.add(kFailures, static_cast<double>(count), project_.name, key.first,
                to_string(key.second));
  }
}

}  // namespace exporter::dbt
