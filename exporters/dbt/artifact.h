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

/// The files that dbt writes into its target folder and this exporter reads.
enum class Kind : std::uint8_t { manifest, run_results, sources, catalog, freshness };
constexpr Kind kKinds[] = {Kind::manifest, Kind::run_results, Kind::sources, Kind::catalog,
                           Kind::freshness};

/// "manifest", the name of the file without ".json".
std::string_view to_string(Kind kind);

/// The bytes of one artifact, wherever they come from.
struct Artifact {
  std::string origin;  ///< for errors: a path or an address
  /// Hands over the bytes in pieces, from the first to the last. Throws Error.
  std::function<void(const std::function<void(std::string_view)>& sink)> read;
};

/// Values of labels, by the name of the label.
using Labels = std::map<std::string, std::string, std::less<>>;

/// Which of the variables that dbt copies from its environment become labels: by the name of the
/// label, the variables (TEAM for DBT_ENV_CUSTOM_ENV_TEAM), the first of which that has a value is
/// read.
using EnvLabels = std::map<std::string, std::vector<std::string>, std::less<>>;

/// What each artifact says of itself.
struct Metadata {
  int schema_version = 0;  ///< 12 of ".../dbt/manifest/v12.json"
  std::string dbt_version, invocation_id;
  Time generated_at;  ///< by the clock of the machine that dbt ran on
  std::optional<Time> invocation_started_at;
  /// What orders artifacts, whatever the clocks of those who wrote them: see Follower.
  Time ordered_at = {};
  std::string project, adapter;  ///< in the manifest, since version 10
  Labels origin;                 ///< of results: what ran the invocation, by its environment
};

/// The newest version of its schema that was tried; a newer one is read like it.
int newest_schema(Kind kind);

/// What is read of `metadata`, beside the variables of its `env` that are labels: what users put
/// into others can be invalid.
constexpr std::string_view kMetadataKeys[] = {
    "adapter_type",  "dbt_schema_version",    "dbt_version", "generated_at",
    "invocation_id", "invocation_started_at", "project_name"};

/// Reads `metadata`. Throws Error{decode} when it is that of another kind of artifact, or does not
/// say of when it is; other values that cannot be read are absent.
Metadata read_metadata(const Json& metadata, Kind kind, const EnvLabels& env_labels = {});

/// Rows of an artifact, and values besides, that could not be read and are left out.
struct Unread {
  std::size_t parts = 0, rows = 0;  ///< rows are parts
  std::string error;                ///< of the first
};

using TakeRecord =
    std::function<void(std::size_t record, const std::string& name, const Json& value)>;

/// Streams the artifact through `take`, one record at a time. One that is not valid JSON, or of
/// which `take` throws Error{decode}, is left out. Throws Error, when the metadata (record 0) are
/// missing or cannot be read, and when not one of the rows ("nodes.*") can be read, too. Of the
/// metadata's `env`, keeps the variables that are labels.
Unread read_records(const Artifact& artifact, std::span<const JsonRecord> records,
                    const TakeRecord& take, const EnvLabels& env_labels = {});

/// A name or an id. Fails when it is longer than 500 bytes: the ledger takes two of these as an id
/// (Ledger::kMaxId), and refuses longer ones only after the artifact was read.
std::string read_name(const Json& text);
/// The member as text; empty when it is absent or null.
std::string text_at(const Json& object, std::string_view key);
/// The object `key`, or nothing when that is absent or null.
std::optional<Json> find_path(const Json& object, std::initializer_list<std::string_view> keys);
/// A number that some adapters write as text; nothing when it is absent, no number, negative or
/// above 1e18, the most that the ledger takes.
std::optional<double> count_at(const Json& object, std::string_view key);

}  // namespace exporter::dbt
