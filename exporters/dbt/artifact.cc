#include "exporters/dbt/artifact.h"

#include "common/base/error.h"
#include "common/base/text.h"

namespace exporter::dbt {
namespace {

/// The kind and the version in "https://schemas.getdbt.com/dbt/run-results/v6.json".
std::optional<std::pair<std::string_view, int>> parse_schema(std::string_view schema) {
  std::string_view kind, version;
  for (std::string_view part; !schema.empty();) {
    part = next_part(schema, '/');
    kind = version;
    version = part;
  }
  if (!version.starts_with('v') || !version.ends_with(".json")) return std::nullopt;
  const auto number = parse_number<int>(version.substr(1, version.size() - 6));
  if (!number) return std::nullopt;
  return std::pair(kind, *number);
}

std::string_view schema_name(Kind kind) {
  return kind == Kind::run_results ? "run-results" : to_string(kind);
}

/// The member as `read` parses it; absent if that fails.
template <class Read>
auto readable(const Json& object, std::string_view key, Read&& read) {
  std::invoke_result_t<Read, const Json&> value{};
  try {
    if (const auto found = object.find(key)) value = read(*found);
  } catch (const Error&) {
    return decltype(value){};
  }
  return value;
}

/// The labels that have a value. A value of more than 500 bytes is left out, because a truncated
/// one would be a different name.
Labels read_origin(const Json& env, const EnvLabels& env_labels) {
  Labels found;
  for (const auto& [label, variables] : env_labels) {
    for (const auto& variable : variables) {
      auto value = readable(env, variable, read_name);
      if (value.empty()) continue;
      found[label] = std::move(value);
      break;
    }
  }
  return found;
}

}  // namespace

std::string_view to_string(Kind kind) {
  constexpr std::string_view kNames[] = {"manifest", "run_results", "sources", "catalog",
                                         "freshness"};
  return kNames[static_cast<std::size_t>(kind)];
}

int newest_schema(Kind kind) {
  constexpr int kVersions[] = {12, 6, 3, 1, 0};
  return kVersions[static_cast<std::size_t>(kind)];
}

Metadata read_metadata(const Json& metadata, Kind kind, const EnvLabels& env_labels) {
  const auto place = metadata.at("dbt_schema_version");
  const auto text = place.string();
  const auto schema = parse_schema(text);
  if (!schema) place.fail("expected .../<artifact>/v<version>.json, got another text");
  // Up to dbt 1.5, run-operation wrote an artifact of another form to run_results.json.
  const bool right = schema->first == schema_name(kind) ||
                     (kind == Kind::run_results && schema->first == "run-operation-result");
  if (!right) place.fail("expected the schema of " + std::string(schema_name(kind)));

  Metadata found;
  found.schema_version = schema->second;
  found.generated_at = metadata.at("generated_at").time();
  found.dbt_version = readable(metadata, "dbt_version", read_name);
  found.invocation_id = readable(metadata, "invocation_id", read_name);
  const auto time = [](const Json& json) { return std::optional(json.time()); };
  found.invocation_started_at = readable(metadata, "invocation_started_at", time);
  found.project = readable(metadata, "project_name", read_name);
  found.adapter = readable(metadata, "adapter_type", read_name);
  found.origin =
      readable(metadata, "env", [&](const Json& env) { return read_origin(env, env_labels); });
  return found;
}

namespace {

/// `is_metadata_malformed` says whether that was the failure.
Unread read_once(const Artifact& artifact, std::span<const JsonRecord> records,
                 const TakeRecord& take, const EnvLabels& env_labels, bool& is_metadata_malformed) {
  std::vector<std::string> paths;
  for (const auto& [label, variables] : env_labels) {
    for (const auto& variable : variables) paths.push_back("env." + variable);
  }
  std::vector<std::string_view> keys(records[0].keys.begin(), records[0].keys.end());
  keys.insert(keys.end(), paths.begin(), paths.end());
  std::vector<JsonRecord> all(records.begin(), records.end());
  all[0].keys = keys;
  bool has_metadata = false;
  std::size_t rows = 0;
  Unread unread;
  JsonStream stream(all, artifact.origin, [&](const JsonStream::Record& record) {
    const bool is_row = records[record.index()].path.ends_with('*');
    has_metadata |= record.index() == 0;
    rows += is_row ? 1 : 0;
    try {
      take(record.index(), record.name(), record.read());
    } catch (const Error& error) {
      is_metadata_malformed = record.index() == 0 && error.reason() == Reason::decode;
      if (record.index() == 0 || error.reason() != Reason::decode) throw;
      unread.rows += is_row ? 1 : 0;
      if (unread.parts++ == 0) unread.error = error.what();
    }
  });
  artifact.read([&](std::string_view piece) { stream.feed(piece); });
  stream.finish();
  if (!has_metadata) throw Error(Reason::decode, artifact.origin + ": metadata: missing");
  if (rows > 0 && unread.rows == rows) throw Error(Reason::decode, unread.error);
  return unread;
}

}  // namespace

/// The metadata include variables of dbt's environment, whose values may not be UTF-8.
Unread read_records(const Artifact& artifact, std::span<const JsonRecord> records,
                    const TakeRecord& take, const EnvLabels& env_labels) {
  bool is_metadata_malformed = false;
  try {
    return read_once(artifact, records, take, env_labels, is_metadata_malformed);
  } catch (const Error&) {
    if (!is_metadata_malformed || env_labels.empty()) throw;
  }
  return read_once(artifact, records, take, {}, is_metadata_malformed);
}

std::string read_name(const Json& text) {
  constexpr std::size_t kMost = 500;
  auto name = text.string();
  if (name.size() > kMost) text.fail("longer than " + std::to_string(kMost) + " bytes");
  return name;
}

std::string text_at(const Json& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->string() : std::string();
}

std::optional<Json> find_path(const Json& object, std::initializer_list<std::string_view> keys) {
  std::optional<Json> place = object;
  for (const auto key : keys) {
    place = place->find(key);
    if (!place) break;
  }
  return place;
}

std::optional<double> count_at(const Json& object, std::string_view key) {
  constexpr double kMost = 1e18;
  const auto value = object.find(key);
  if (!value) return std::nullopt;
  const auto number =
      value->is_string() ? parse_number<double>(value->string()) : std::optional(value->number());
  return number && *number >= 0 && *number <= kMost ? number : std::nullopt;
}

}  // namespace exporter::dbt
