#include "exporters/dbt/stored.h"

#include <algorithm>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/config/json.h"
#include "common/config/json_object.h"

namespace exporter::dbt {
namespace {

/// Microseconds since 1970.
std::int64_t count(Time time) { return time.time_since_epoch().count(); }
std::optional<std::int64_t> count(const std::optional<Time>& time) {
  return time ? std::optional(count(*time)) : std::nullopt;
}

std::optional<double> number_at(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found ? std::optional(found->number()) : std::nullopt;
}
std::optional<Time> time_at(const Json& json, std::string_view key) {
  const auto found = json.find(key);
  return found ? std::optional(Time(Time::duration(found->integer()))) : std::nullopt;
}
Time required_time(const Json& json, std::string_view key) {
  return Time(Time::duration(json.at(key).integer()));
}

void add_origin(JsonObject& object, const Labels& origin) {
  if (origin.empty()) return;
  JsonObject labels;
  for (const auto& [label, value] : origin) labels.add(label, value);
  object.add("origin", labels);
}
Labels read_origin(const Json& json) {
  Labels found;
  const auto labels = json.find("origin");
  if (!labels) return found;
  for (const auto& [label, value] : labels->members()) found[label] = value.string();
  return found;
}

JsonObject written(const Result& result) {
  JsonObject object;
  object.add("status", result.status);
  object.add("started_at", count(result.started_at));
  object.add("completed_at", count(result.completed_at));
  object.add("execution_seconds", result.execution_seconds);
  object.add("compile_seconds", result.compile_seconds);
  object.add("rows_affected", result.rows_affected);
  object.add("bytes_processed", result.bytes_processed);
  object.add("failures", result.failures);
  return object;
}

Result read_result(const Json& json, std::string_view node) {
  return {std::string(node),
          json.at("status").string(),
          time_at(json, "started_at"),
          time_at(json, "completed_at"),
          number_at(json, "execution_seconds"),
          number_at(json, "compile_seconds"),
          number_at(json, "rows_affected"),
          number_at(json, "bytes_processed"),
          number_at(json, "failures")};
}

JsonObject written(const NodeHistory& node) {
  JsonObject object;
  object.add("last", written(node.last));
  object.add("consecutive_failures", static_cast<std::int64_t>(node.consecutive_failures));
  object.add("at", count(node.at));
  object.add("ordered_at", count(node.ordered_at));
  // Only skipped nodes have a last run older than their last result.
  if (node.run && node.run_at != node.at) object.add("run", written(*node.run));
  object.add("run_at", count(node.run_at));
  add_origin(object, node.run_origin);
  object.add("success_at", count(node.success_at));
  return object;
}

NodeHistory read_node(const Json& json, std::string_view id) {
  NodeHistory node;
  node.last = read_result(json.at("last"), id);
  node.at = required_time(json, "at");
  node.ordered_at = time_at(json, "ordered_at").value_or(node.at);
  node.run_at = time_at(json, "run_at");
  if (const auto run = json.find("run")) {
    node.run = read_result(*run, id);
  } else if (node.run_at) {
    node.run = node.last;
  }
  node.run_origin = read_origin(json);
  node.success_at = time_at(json, "success_at");
  node.consecutive_failures = static_cast<std::uint64_t>(json.at("consecutive_failures").integer());
  return node;
}

JsonObject written(const FreshnessHistory& source) {
  JsonObject object;
  object.add("status", source.last.status);
  object.add("is_empty", source.last.is_empty);
  object.add("at", count(source.at));
  object.add("max_loaded_at", count(source.last.max_loaded_at));
  object.add("snapshotted_at", count(source.last.snapshotted_at));
  add_origin(object, source.origin);
  return object;
}

FreshnessHistory read_source(const Json& json, std::string_view id) {
  return {{std::string(id), json.at("status").string(), time_at(json, "max_loaded_at"),
           time_at(json, "snapshotted_at"), json.at("is_empty").boolean()},
          required_time(json, "at"),
          read_origin(json)};
}

JsonObject written(const Invocation& invocation) {
  JsonObject object;
  object.add("failed", invocation.outcome == Outcome::failure);
  object.add("elapsed_seconds", invocation.elapsed_seconds);
  object.add("is_full_refresh", invocation.is_full_refresh);
  object.add("invocation_id", invocation.metadata.invocation_id);
  object.add("dbt_version", invocation.metadata.dbt_version);
  object.add("generated_at", count(invocation.metadata.generated_at));
  object.add("ordered_at", count(invocation.metadata.ordered_at));
  object.add("invocation_started_at", count(invocation.metadata.invocation_started_at));
  add_origin(object, invocation.metadata.origin);
  std::vector<JsonObject> results;
  for (const auto& [kind, number] : invocation.results) {
    auto& result = results.emplace_back();
    result.add("resource_type", kind.first);
    result.add("status", kind.second);
    result.add("count", static_cast<std::int64_t>(number));
  }
  object.add("results", results);
  return object;
}

Invocation read_invocation(const Json& json) {
  Invocation found;
  found.outcome = json.at("failed").boolean() ? Outcome::failure : Outcome::success;
  found.elapsed_seconds = json.at("elapsed_seconds").number();
  if (const auto refresh = json.find("is_full_refresh")) found.is_full_refresh = refresh->boolean();
  found.metadata.invocation_id = text_at(json, "invocation_id");
  found.metadata.dbt_version = text_at(json, "dbt_version");
  found.metadata.generated_at = required_time(json, "generated_at");
  found.metadata.ordered_at = time_at(json, "ordered_at").value_or(found.metadata.generated_at);
  found.metadata.invocation_started_at = time_at(json, "invocation_started_at");
  found.metadata.origin = read_origin(json);
  for (const auto& result : json.at("results").items()) {
    found.results[{result.at("resource_type").string(), result.at("status").string()}] =
        static_cast<std::size_t>(result.at("count").integer());
  }
  return found;
}

JsonObject written(const Seen& seen) {
  JsonObject object;
  object.add("version", seen.version);
  object.add("schema_version", static_cast<std::int64_t>(seen.metadata.schema_version));
  object.add("size", static_cast<std::int64_t>(seen.size));
  object.add("has_failures", seen.has_failures);
  object.add("generated_at", count(seen.metadata.generated_at));
  object.add("ordered_at", count(seen.metadata.ordered_at));
  return object;
}

Seen read_seen(const Json& json) {
  Seen seen;
  seen.version = json.at("version").string();
  seen.metadata.schema_version = static_cast<int>(json.at("schema_version").integer());
  seen.metadata.generated_at = required_time(json, "generated_at");
  seen.metadata.ordered_at = time_at(json, "ordered_at").value_or(seen.metadata.generated_at);
  seen.size = static_cast<std::uint64_t>(json.at("size").integer());
  if (const auto failures = json.find("has_failures")) seen.has_failures = failures->boolean();
  return seen;
}

/// The kind, which has no '/', then the location.
std::string name_of(const ArtifactKey& key) {
  return std::string(to_string(key.second)) + '/' + key.first;
}

/// The key of an entry; without a name, the prefix of all entries of that kind.
std::string entry_key(std::string_view kind, std::string_view name = {}) {
  return std::string(kind) + '/' + std::string(name);
}

void set_metadata(Ledger::Run& run, const std::string& key, const JsonObject& object) {
  run.set_metadata(key, object.text());
}

template <class Map>
void store_entry(Ledger::Run& run, std::string_view kind, const Map& map, const std::string& key) {
  const auto found = map.find(key);
  if (found == map.end()) return;
  set_metadata(run, entry_key(kind, key), written(found->second));
}

/// The kind, then the id of the invocation.
std::string taken_key(const TakenKey& key) {
  return entry_key("taken", std::string(to_string(key.second)) + '/' + key.first);
}

std::optional<Kind> kind_named(std::string_view name) {
  const auto* const found =
      std::ranges::find(kKinds, name, [](Kind kind) { return to_string(kind); });
  return found == std::end(kKinds) ? std::nullopt : std::optional(*found);
}

/// The kind before the slash in a name, and the part after it.
std::optional<std::pair<std::string, Kind>> split_name(const std::string& name) {
  const auto slash = name.find('/');
  const auto kind = kind_named(std::string_view(name).substr(0, slash));
  if (!kind || slash == name.npos) return std::nullopt;
  return std::pair(name.substr(slash + 1), *kind);
}

/// The artifact that the command leaves.
Kind results_of(const std::string& command) {
  for (const auto kind : {Kind::sources, Kind::freshness}) {
    if (command == freshness_command(kind)) return kind;
  }
  return Kind::run_results;
}

/// Calls `use(name, json)` with each entry of that kind.
template <class Use>
void each(Ledger::Run& run, const Project& project, std::string_view kind, Use&& use) {
  const auto prefix = entry_key(kind);
  run.each_metadata(prefix, [&](std::string_view key, std::string_view text) {
    const auto name = key.substr(prefix.size());
    try {
      use(std::string(name), Json::parse(text, "stored entry " + std::string(name)));
    } catch (const Error& error) {
      log::warn("stored entry left out", {{"project", project.name}, {"error", error.what()}});
    }
  });
}

}  // namespace

void store_run_results(Ledger::Run& run, const Project& project, const RunResults& results) {
  for (const auto& result : results.results) {
    store_entry(run, "node", project.nodes, result.node);
  }
  store_entry(run, "invocation", project.invocations, results.shown_command());
}

void store_freshness(Ledger::Run& run, const Project& project, const FreshnessResults& results) {
  for (const auto& result : results.results) {
    store_entry(run, "source", project.freshness, result.source);
  }
  store_entry(run, "invocation", project.invocations, freshness_command(results.kind));
}

void store_taken(Ledger::Run& run, Project& project, const Metadata& metadata, Kind kind) {
  constexpr std::size_t kMost = 5000;
  const TakenKey key(id_of(metadata), kind);
  JsonObject object;
  object.add("ordered_at", count(project.taken.at(key)));
  set_metadata(run, taken_key(key), object);
  while (project.taken.size() > kMost) {
    const auto oldest =
        std::ranges::min_element(project.taken, {}, [](const auto& entry) { return entry.second; });
    run.set_metadata(taken_key(oldest->first), {});
    project.taken.erase(oldest);
  }
}

void store_incomplete(Ledger::Run& run, const std::map<std::string, Incomplete>& before,
                      const std::map<std::string, Incomplete>& after) {
  for (const auto& [location, incomplete] : before) {
    if (!after.contains(location)) run.set_metadata(entry_key("incomplete", location), {});
  }
  for (const auto& [location, incomplete] : after) {
    JsonObject object;
    object.add("invocation_id", incomplete.invocation_id);
    object.add("since", count(incomplete.since));
    object.add("is_interrupted", incomplete.is_interrupted);
    object.add("ordered_at", count(incomplete.ordered_at));
    set_metadata(run, entry_key("incomplete", location), object);
  }
}

void store_seen(Ledger::Run& run, const SeenArtifacts::value_type& seen) {
  set_metadata(run, entry_key("seen", name_of(seen.first)), written(seen.second));
}

void remove_seen(Ledger::Run& run, const ArtifactKey& key) {
  run.set_metadata(entry_key("seen", name_of(key)), {});
}

void remove_gone(Ledger::Run& run, Project& project, Time before) {
  if (!project.manifest) return;
  const auto prune = [&](std::string_view kind, auto& all) {
    std::erase_if(all, [&](const auto& entry) {
      if (entry.second.at >= before || project.manifest->nodes.contains(entry.first)) return false;
      run.set_metadata(entry_key(kind, entry.first), {});
      return true;
    });
  };
  prune("node", project.nodes);
  prune("source", project.freshness);
}

void load_stored(Ledger::Run& run, Project& project, SeenArtifacts& seen) {
  each(run, project, "node",
       [&](const std::string& id, const Json& json) { project.nodes[id] = read_node(json, id); });
  each(run, project, "source", [&](const std::string& id, const Json& json) {
    project.freshness[id] = read_source(json, id);
  });
  each(run, project, "invocation", [&](const std::string& command, const Json& json) {
    project.invocations[command] = read_invocation(json);
  });
  each(run, project, "incomplete", [&](const std::string& location, const Json& json) {
    const auto since = required_time(json, "since");
    project.incomplete[location] = {json.at("invocation_id").string(), since,
                                    json.at("is_interrupted").boolean(),
                                    time_at(json, "ordered_at").value_or(since)};
  });
  each(run, project, "seen", [&](const std::string& name, const Json& json) {
    if (const auto place = split_name(name)) seen[*place] = read_seen(json);
  });
  each(run, project, "taken", [&](const std::string& name, const Json& json) {
    if (auto key = split_name(name)) project.taken[*key] = required_time(json, "ordered_at");
  });
  for (const auto& [command, last] : project.invocations) {
    const auto ordered_at = last.metadata.ordered_at;
    const auto kind = results_of(command);
    // Earlier versions kept only the last ones.
    project.taken.emplace(TakenKey(id_of(last.metadata), kind), ordered_at);
    if (kind == Kind::run_results || !measures_sources(last)) continue;
    project.freshness_at = std::max(project.freshness_at.value_or(ordered_at), ordered_at);
  }
}

}  // namespace exporter::dbt
