#include "exporters/dbt/manifest.h"

#include <algorithm>
#include <array>

#include "common/base/text.h"

namespace exporter::dbt {
namespace {

constexpr std::string_view kNode[] = {"access",
                                      "alias",
                                      "attached_node",
                                      "column_name",
                                      "config.access",
                                      "config.group",
                                      "config.materialized",
                                      "config.meta.owner",
                                      "config.severity",
                                      "config.snowflake_warehouse",
                                      "contract.enforced",
                                      "database",
                                      "depends_on.nodes",
                                      "description",
                                      "freshness",
                                      "group",
                                      "identifier",
                                      "loaded_at_field",
                                      "loaded_at_query",
                                      "meta.owner",
                                      "name",
                                      "original_file_path",
                                      "owner",
                                      "package_name",
                                      "primary_key",
                                      "relation_name",
                                      "schema",
                                      "source_meta.owner",
                                      "source_name",
                                      "tags",
                                      "test_metadata.kwargs.model",
                                      "test_metadata.name"};
constexpr std::string_view kGroup[] = {"owner"};

enum Record : std::size_t { kMetadata, kNodes, kSources, kGroups };
constexpr JsonRecord kRecords[] = {{"metadata", kMetadataKeys},  {"nodes.*", kNode},
                                   {"sources.*", kNode},         {"groups.*", kGroup},
                                   {"exposures.*", kNode},       {"functions.*", kNode},
                                   {"metrics.*", kNode},         {"saved_queries.*", kNode},
                                   {"semantic_models.*", kNode}, {"unit_tests.*", kNode}};

/// Adapters that know when a table was last changed, without a loaded_at column.
constexpr std::string_view kTellChanges[] = {"bigquery", "databricks", "redshift", "snowflake"};

/// An owner, in one of the common forms: a text, a list of texts, or name and email.
std::string owner_text(const std::optional<Json>& owner) {
  if (!owner) return {};
  if (owner->is_string()) return owner->string();
  if (owner->is_object()) {
    const auto email = owner->find("email");
    return owner_text(email ? email : owner->find("name"));
  }
  std::string text;
  if (!owner->is_array()) return text;
  for (const auto& item : owner->items()) {
    const auto part = owner_text(item);
    if (!text.empty() && !part.empty()) text += ", ";
    text += part;
  }
  return text;
}

std::string first_of(std::initializer_list<std::string> texts) {
  const auto* const found =
      std::ranges::find_if(texts, [](const std::string& text) { return !text.empty(); });
  return found == texts.end() ? std::string() : *found;
}

std::vector<std::string> texts(const std::optional<Json>& list) {
  std::vector<std::string> found;
  if (!list) return found;
  if (list->is_string()) return {list->string()};
  for (const auto& item : list->items()) found.push_back(item.string());
  return found;
}

std::optional<double> period_seconds(const std::optional<Json>& threshold) {
  if (!threshold) return std::nullopt;
  const auto count = count_at(*threshold, "count");
  const auto period = text_at(*threshold, "period");
  if (!count || period.empty()) return std::nullopt;
  if (period == "minute") return *count * 60;
  if (period == "hour") return *count * 3600;
  if (period == "day") return *count * 86400;
  threshold->fail("expected the period minute, hour or day");
}

std::optional<Criteria> read_freshness(const Json& source, std::string_view adapter) {
  const auto freshness = source.find("freshness");
  if (!freshness) return std::nullopt;
  const Criteria found{period_seconds(freshness->find("warn_after")),
                       period_seconds(freshness->find("error_after"))};
  const bool measurable = source.find("loaded_at_field") || source.find("loaded_at_query") ||
                          std::ranges::find(kTellChanges, adapter) != std::end(kTellChanges);
  if (!measurable || (!found.warn_after_seconds && !found.error_after_seconds)) return std::nullopt;
  return found;
}

/// Before version 9 a generic test names the parent that it tests only in its argument: "{{
/// get_where_subquery(ref('orders')) }}".
std::string tested_node(const Json& test, const std::vector<std::string>& parents) {
  if (auto attached = text_at(test, "attached_node"); !attached.empty()) return attached;
  if (parents.size() == 1) return parents.front();
  const auto model = find_path(test, {"test_metadata", "kwargs", "model"});
  if (!model) return {};
  const auto text = model->string();
  for (const auto& parent : parents) {
    const auto name = parent.substr(parent.rfind('.') + 1);
    if (text.find('\'' + name + '\'') != text.npos || text.find('"' + name + '"') != text.npos) {
      return parent;
    }
  }
  return {};
}

std::string text_of(const std::optional<Json>& place) { return place ? place->string() : ""; }

/// The names of "DB"."schema"."table", each quoted as in the adapter or not at all; nothing for
/// anything else, such as a function that reads files.
std::optional<std::vector<std::string>> split_relation(std::string_view relation) {
  std::vector<std::string> names;
  for (bool has_next = true; has_next;) {
    const auto quote = relation.substr(0, 1);
    const auto end = quote == "[" ? std::string_view("]") : quote;
    const bool is_quoted = quote == "\"" || quote == "`" || quote == "[";
    if (is_quoted) relation.remove_prefix(1);
    const auto size = is_quoted ? relation.find(end)
                                : std::min(relation.find_first_of(".\"`[]()' "), relation.size());
    if (size == relation.npos || size == 0) return std::nullopt;
    names.emplace_back(relation.substr(0, size));
    relation.remove_prefix(size + (is_quoted ? 1 : 0));
    has_next = relation.starts_with('.');
    if (has_next) relation.remove_prefix(1);
  }
  return relation.empty() ? std::optional(names) : std::nullopt;
}

/// The table or view of the node. Before version 7 manifests lack the relation of nodes that were
/// not compiled, so it is made from its parts.
std::string read_dataset(const Json& json, std::string_view resource_type) {
  constexpr std::string_view kTypes[] = {"model", "seed", "snapshot", "source"};
  if (std::ranges::find(kTypes, resource_type) == std::end(kTypes)) return {};
  if (text_of(find_path(json, {"config", "materialized"})) == "ephemeral") return {};
  std::vector<std::string> names;
  if (const auto relation = text_at(json, "relation_name"); !relation.empty()) {
    names = split_relation(relation).value_or(names);
  } else {
    names = {
        text_at(json, "database"), text_at(json, "schema"),
        first_of({text_at(json, "identifier"), text_at(json, "alias"), text_at(json, "name")})};
    std::erase(names, "");
  }
  if (names.size() < 2) return {};
  std::string dataset;
  for (const auto& name : names) dataset += (dataset.empty() ? "" : ".") + name;
  return to_lower(dataset);
}

/// The name in Snowflake's case, because a statement selects the warehouse by it.
std::string read_warehouse(const Json& json) {
  auto name = text_of(find_path(json, {"config", "snowflake_warehouse"}));
  if (name.size() > 2 && name.front() == '"' && name.back() == '"') {
    return name.substr(1, name.size() - 2);
  }
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return name;
}

Node read_node(const std::string& unique_id, const Json& json, std::string_view adapter) {
  Node node;
  node.unique_id = unique_id;
  node.resource_type = unique_id.substr(0, unique_id.find('.'));
  node.package = text_at(json, "package_name");
  node.name = text_at(json, "name");
  if (node.resource_type == "source") {
    const auto source = text_at(json, "source_name");
    if (!source.empty()) node.name = source + '.' + node.name;
  }
  node.database = text_at(json, "database");
  node.schema = text_at(json, "schema");
  node.dataset = read_dataset(json, node.resource_type);
  node.warehouse = read_warehouse(json);
  node.path = text_at(json, "original_file_path");
  node.materialized = text_of(find_path(json, {"config", "materialized"}));
  node.group = first_of({text_at(json, "group"), text_of(find_path(json, {"config", "group"}))});
  node.access = first_of({text_at(json, "access"), text_of(find_path(json, {"config", "access"}))});
  node.severity = to_lower(text_of(find_path(json, {"config", "severity"})));
  node.owner =
      first_of({owner_text(find_path(json, {"config", "meta", "owner"})),
                owner_text(find_path(json, {"meta", "owner"})), owner_text(json.find("owner"))});
  node.tags = texts(json.find("tags"));
  node.parents = texts(find_path(json, {"depends_on", "nodes"}));
  node.has_description = !text_at(json, "description").empty();
  const auto contract = find_path(json, {"contract", "enforced"});
  node.has_contract = contract && contract->boolean();
  node.has_primary_key = !texts(json.find("primary_key")).empty();
  node.test = text_of(find_path(json, {"test_metadata", "name"}));
  node.column = text_at(json, "column_name");
  if (is_test(node.resource_type)) node.tested = tested_node(json, node.parents);
  if (node.resource_type == "source") node.freshness = read_freshness(json, adapter);
  return node;
}

/// The owner that they have in common; empty if there is none.
std::string common_owner(const Manifest& manifest, const std::vector<std::string>& nodes) {
  std::string owner;
  for (const auto& id : nodes) {
    const auto found = manifest.nodes.find(id);
    if (found == manifest.nodes.end() || found->second.owner.empty()) return {};
    if (!owner.empty() && owner != found->second.owner) return {};
    owner = found->second.owner;
  }
  return owner;
}

/// Derives owners: from the group, from the source, from the tested node, or from all nodes that it
/// selects from.
void complete_owners(Manifest& manifest, const std::map<std::string, std::string>& group_owners,
                     const std::map<std::string, std::string>& source_owners) {
  const auto look_up = [](const auto& owners, const std::string& key) {
    const auto found = owners.find(key);
    return found == owners.end() ? std::string() : found->second;
  };
  for (auto& [unique_id, node] : manifest.nodes) {
    if (!node.owner.empty()) continue;
    node.owner = look_up(group_owners, "group." + node.package + '.' + node.group);
    if (node.owner.empty()) node.owner = look_up(source_owners, unique_id);
  }
  for (auto& [unique_id, node] : manifest.nodes) {
    if (!node.owner.empty() || !is_test(node.resource_type)) continue;
    node.owner = node.tested.empty() ? common_owner(manifest, node.parents)
                                     : common_owner(manifest, {node.tested});
  }
}

/// The dataset of a test is that of its only tested node.
void complete_datasets(Manifest& manifest) {
  for (auto& [unique_id, node] : manifest.nodes) {
    const auto tested = manifest.nodes.find(node.tested);
    if (tested != manifest.nodes.end()) node.dataset = tested->second.dataset;
  }
}

}  // namespace

bool is_test(std::string_view resource_type) {
  return resource_type == "test" || resource_type == "unit_test";
}

bool is_in_manifest(std::string_view resource_type) {
  constexpr std::string_view kTypes[] = {
      "analysis",    "exposure", "function",       "metric",   "model", "operation", "source",
      "saved_query", "seed",     "semantic_model", "snapshot", "test",  "unit_test"};
  return std::ranges::find(kTypes, resource_type) != std::end(kTypes);
}

std::vector<std::string> Node::all_tested() const {
  if (!is_test(resource_type)) return {};
  return tested.empty() ? parents : std::vector{tested};
}

Manifest read_manifest(const Artifact& artifact) {
  Manifest found;
  std::map<std::string, std::string> group_owners, source_owners;
  const auto take = [&](std::size_t record, const std::string& name, const Json& value) {
    if (record == kMetadata) {
      found.metadata = read_metadata(value, Kind::manifest);
    } else if (record == kGroups) {
      group_owners[name] = owner_text(value.find("owner"));
    } else {
      if (name.empty()) value.fail("expected the member of an object, got an item");
      auto node = read_node(name, value, found.metadata.adapter);
      if (record == kSources) {
        source_owners[name] = owner_text(find_path(value, {"source_meta", "owner"}));
      }
      found.nodes.emplace(name, std::move(node));
    }
  };
  found.unread = read_records(artifact, kRecords, take);
  complete_owners(found, group_owners, source_owners);
  complete_datasets(found);
  return found;
}

}  // namespace exporter::dbt
