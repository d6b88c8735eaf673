#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The age at which dbt considers a source stale.
struct Criteria {
  std::optional<double> warn_after_seconds, error_after_seconds;
};

/// A node of the project: model, test, seed, snapshot, source, exposure, metric, saved query, ...
/// Values that dbt does not provide are empty.
struct Node {
  std::string unique_id, resource_type, package;
  std::string name;  ///< of a source, with its source name: "app.events"
  std::string database, schema, path;
  std::string materialized, group, access, severity;
  std::string dataset;  ///< its relation, "shop.public.orders"; for a test that of the tested node
  std::string warehouse;     ///< the one configured for the node, in Snowflake
  std::string owner;         ///< from its meta, its group's, or for a test from the tested node
  std::string tested;        ///< of a test of one node: that node's unique_id
  std::string test, column;  ///< of a generic test: "not_null" and the tested column
  std::vector<std::string> tags, parents;
  bool has_description = false, has_contract = false, has_primary_key = false;
  std::optional<Criteria> freshness;  ///< of a source whose freshness dbt measures

  /// For a test: the one node that it tests, or all those that it selects from.
  std::vector<std::string> all_tested() const;
};

/// manifest.json (schemas v1 to v12): the project as of the last command.
struct Manifest {
  Metadata metadata;
  Unread unread;
  std::map<std::string, Node> nodes;  ///< by unique_id; the first of duplicates
};

/// Whether nodes of this type test others: tests and unit tests.
bool is_test(std::string_view resource_type);

/// Whether a manifest contains all nodes of this type.
bool is_in_manifest(std::string_view resource_type);

/// Throws Error.
Manifest read_manifest(const Artifact& artifact);

}  // namespace exporter::dbt
