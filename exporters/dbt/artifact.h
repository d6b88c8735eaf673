#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/json_stream.h"

namespace exporter::dbt {

using Time = std::chrono::sys_time<std::chrono::microseconds>;

/// The files in dbt's target directory that this exporter reads.
enum class Kind : std::uint8_t { manifest, run_results, sources, catalog, freshness };
constexpr Kind kKinds[] = {Kind::manifest, Kind::run_results, Kind::sources, Kind::catalog,
                           Kind::freshness};

/// "manifest", the name of the file without ".json".
std::string_view to_string(Kind kind);

/// The content of one artifact.
struct Artifact {
  std::string origin;  ///< for errors: a path or an address
  /// Passes the content to `sink` in pieces, in order. Throws Error.
  std::function<void(const std::function<void(std::string_view)>& sink)> read;
};

/// Label values by label name.
using Labels = std::map<std::string, std::string, std::less<>>;

/// The variables that dbt copies from its environment and that become labels: for each label, the
/// names of variables (TEAM for DBT_ENV_CUSTOM_ENV_TEAM), of which the first with a value is used.
using EnvLabels = std::map<std::string, std::vector<std::string>, std::less<>>;

/// The metadata of an artifact.
struct Metadata {
  int schema_version = 0;  ///< 12 of ".../dbt/manifest/v12.json"
  std::string dbt_version, invocation_id;
  Time generated_at;  ///< by the clock of the machine that dbt ran on
  std::optional<Time> invocation_started_at;
  /// Orders artifacts, regardless of the clocks of their writers: see Follower.
  Time ordered_at = {};
  std::string project, adapter;  ///< in the manifest, since version 10
  Labels origin;                 ///< of results: the labels from the environment of the invocation
};

/// The newest version of the schema that was tested; newer ones are read in the same way.
int newest_schema(Kind kind);

/// The keys of `metadata` that are read, besides variables in `env` that become labels: users can
/// put invalid values into others.
constexpr std::string_view kMetadataKeys[] = {
    "adapter_type",  "dbt_schema_version",    "dbt_version", "generated_at",
    "invocation_id", "invocation_started_at", "project_name"};

/// Reads `metadata`. Throws Error{decode} if it belongs to another kind of artifact or has no time;
/// other values that cannot be read are absent.
Metadata read_metadata(const Json& metadata, Kind kind, const EnvLabels& env_labels = {});

/// Rows of an artifact, and other values, that could not be read and are left out.
struct Unread {
  std::size_t parts = 0, rows = 0;  ///< parts include rows
  std::string error;                ///< of the first
};

using TakeRecord =
    std::function<void(std::size_t record, const std::string& name, const Json& value)>;

/// Streams the artifact through `take`, one record at a time. A record that is not valid JSON, or
/// for which `take` throws Error{decode}, is left out. Throws Error if the metadata (record 0) is
/// missing or cannot be read, or if none of the rows ("nodes.*") can. From the metadata's `env`,
/// keeps the variables that become labels.
Unread read_records(const Artifact& artifact, std::span<const JsonRecord> records,
                    const TakeRecord& take, const EnvLabels& env_labels = {});

/// A name or an id. Fails if it is longer than 500 bytes: the ledger combines two of these into an
/// id (Ledger::kMaxId), and would reject it only after the artifact was read.
std::string read_name(const Json& text);
/// The member as text; empty if it is absent or null.
std::string text_at(const Json& object, std::string_view key);
/// The object at that path; nothing if it is absent or null.
std::optional<Json> find_path(const Json& object, std::initializer_list<std::string_view> keys);
/// A number, which some adapters write as text; nothing if it is absent, not a number, negative or
/// above 1e18, the ledger's maximum.
std::optional<double> count_at(const Json& object, std::string_view key);

}  // namespace exporter::dbt
