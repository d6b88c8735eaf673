#include "exporters/dbt/families.h"

namespace exporter::dbt {
namespace {

constexpr auto kStatus =
    gauge("dbt_source_freshness_status",
          "1 for the status of the source's last freshness result, as dbt writes it (pass, warn, "
          "error, runtime error); the other statuses have no series.",
          "project", "unique_id", "status");
constexpr auto kLoaded =
    gauge("dbt_source_max_loaded_at_timestamp_seconds",
          "Time of the source's newest row when its freshness was last measured, in seconds since "
          "1970; absent while the table is empty.",
          "project", "unique_id");
constexpr auto kSnapshotted = gauge("dbt_source_snapshotted_at_timestamp_seconds",
                                    "When the source's freshness was last measured, in seconds "
                                    "since 1970; failed attempts do not count.",
                                    "project", "unique_id");
constexpr auto kEmpty =
    gauge("dbt_source_empty",
          "Whether the source had no rows (1) or some (0) when its freshness was last measured.",
          "project", "unique_id");
constexpr auto kWarnAfter =
    gauge("dbt_source_freshness_warn_after_seconds",
          "Age of the newest row above which dbt warns about the source.", "project", "unique_id");
constexpr auto kErrorAfter =
    gauge("dbt_source_freshness_error_after_seconds",
          "Age of the newest row above which dbt reports an error for the source.", "project",
          "unique_id");
constexpr auto kMissing =
    gauge("dbt_source_freshness_missing",
          "Whether the source's freshness is configured but missing in the newest results (1): its "
          "table is gone or cannot be read, or it was not selected.",
          "project", "unique_id");
constexpr MetricView kMetrics[] = {kStatus,    kLoaded,     kSnapshotted, kEmpty,
                                   kWarnAfter, kErrorAfter, kMissing};

void add_result(Samples& samples, const Project& project, const std::string& id,
                const Freshness& last) {
  samples.add(kStatus, 1, project.name, id, last.status);
  if (last.max_loaded_at) {
    samples.add(kLoaded, unix_seconds(*last.max_loaded_at), project.name, id);
  }
  if (!last.snapshotted_at) return;
  samples.add(kSnapshotted, unix_seconds(*last.snapshotted_at), project.name, id);
  if (last.is_empty || last.max_loaded_at) {
    samples.add(kEmpty, last.is_empty ? 1 : 0, project.name, id);
  }
}

void add_criteria(Samples& samples, const Project& project, const std::string& id,
                  const Criteria& criteria) {
  const auto add = [&](const auto& metric, const std::optional<double>& seconds) {
    if (seconds) samples.add(metric, *seconds, project.name, id);
  };
  add(kWarnAfter, criteria.warn_after_seconds);
  add(kErrorAfter, criteria.error_after_seconds);
  if (!project.freshness_at) return;
  const auto result = project.freshness.find(id);
  const bool found = result != project.freshness.end() && result->second.at == project.freshness_at;
  samples.add(kMissing, found ? 0 : 1, project.name, id);
}

void add_freshness(Samples& samples, const Project& project, std::span<const std::string> shown) {
  for (const auto& id : shown) {
    const auto result = project.freshness.find(id);
    if (result != project.freshness.end()) add_result(samples, project, id, result->second.last);
    const auto* node = project.find_node(id);
    if (node != nullptr && node->freshness) add_criteria(samples, project, id, *node->freshness);
  }
}

}  // namespace

constinit const Part kFreshness{kMetrics, add_freshness};

}  // namespace exporter::dbt
