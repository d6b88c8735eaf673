#include "exporters/dbt/freshness.h"

#include "common/base/text.h"

namespace exporter::dbt {
namespace {

constexpr std::string_view kResult[] = {"unique_id", "status", "max_loaded_at", "snapshotted_at"};
enum Record : std::size_t { kMetadata, kElapsed, kResults };
constexpr JsonRecord kRecords[] = {
    {"metadata", kMetadataKeys}, {"elapsed_time"}, {"results.*", kResult}};

/// For an empty table dbt writes the first moment of the year 1.
constexpr Time kNever = std::chrono::sys_days(std::chrono::year(1) / 1 / 1);

/// dbt 2.0 writes "Pass"; "runtime error" has two spellings.
std::string read_status(const Json& json) {
  auto status = to_lower(read_name(json));
  return status == "runtimeerror" || status == "runtime_error" ? "runtime error" : status;
}

Freshness read_result(const Json& json) {
  Freshness found;
  found.source = read_name(json.at("unique_id"));
  found.status = read_status(json.at("status"));
  if (const auto time = json.find("max_loaded_at")) found.max_loaded_at = time->time();
  if (const auto time = json.find("snapshotted_at")) found.snapshotted_at = time->time();
  if (found.max_loaded_at && *found.max_loaded_at < kNever + std::chrono::days(366)) {
    found.max_loaded_at.reset();
    found.is_empty = true;
  }
  return found;
}

}  // namespace

std::string freshness_command(Kind kind) {
  return kind == Kind::freshness ? "freshness" : "source freshness";
}

FreshnessResults read_freshness_results(const Artifact& artifact, Kind kind,
                                        const EnvLabels& env_labels) {
  FreshnessResults found;
  found.kind = kind;
  const auto take = [&](std::size_t record, const std::string& /*name*/, const Json& value) {
    switch (record) {
      case kMetadata: found.metadata = read_metadata(value, kind, env_labels); break;
      case kElapsed: found.elapsed_seconds = value.number(); break;
      default: found.results.push_back(read_result(value));
    }
  };
  found.unread = read_records(artifact, kRecords, take, env_labels);
  return found;
}

}  // namespace exporter::dbt
