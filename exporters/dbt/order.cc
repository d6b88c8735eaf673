// Orders artifacts, regardless of the clocks of their writers.

#include <algorithm>

#include "common/base/log.h"
#include "exporters/dbt/follower.h"

namespace exporter::dbt {
namespace {

/// Clocks may differ by this much without a warning.
constexpr auto kTolerance = std::chrono::minutes(1);

}  // namespace

Time Follower::order(const Found& found, const Metadata& metadata) {
  const auto now = Ledger::wall_clock();
  auto at = std::min(metadata.generated_at, now);
  if (found.modified_at != Time()) at = std::min(at, found.modified_at);
  const auto seen = seen_.find({found.location, found.kind});
  if (found.comes_in_order && seen != seen_.end()) {
    at = std::max(at, seen->second.metadata.ordered_at);
    if (has_looked_) at = std::max(now, latest_);
  }
  latest_ = std::max(latest_, at);
  return at;
}

/// Warns once per place if an artifact is dated in the future, or before the one that it replaces.
void Follower::compare_clocks(const Found& found, const Metadata& metadata) {
  const ArtifactKey place{found.location, found.kind};
  const auto ahead = metadata.generated_at - Ledger::wall_clock();
  auto behind = Time::duration::zero();
  if (const auto seen = seen_.find(place); seen != seen_.end() && found.comes_in_order) {
    behind = seen->second.metadata.generated_at - metadata.generated_at;
  }
  const auto by = std::max(ahead, behind);
  if (by <= kTolerance || !off_clocks_.insert(place).second) return;
  log::warn(by == ahead ? "artifact dated in the future: the clock of its writer is wrong"
                        : "artifact dated before the one that it replaces: the clocks of their "
                          "writers differ",
            {{"project", project_.name},
             {"location", place.first},
             {"artifact", to_string(place.second)},
             {"seconds", std::chrono::duration_cast<std::chrono::seconds>(by).count()}});
}

}  // namespace exporter::dbt
