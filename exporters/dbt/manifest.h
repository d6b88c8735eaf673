#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// When dbt calls a source stale.
struct Criteria {
  std::optional<double> warn_after_seconds, error_after_seconds;
};

/// A node of the project: model, test, seed, snapshot, source, exposure, metric, saved query, ...
/// What dbt does not say is empty.
struct Node {
  std::string unique_id, resource_type, package;
  std::string name;  ///< of a source with the group that it is in, "app.events"
  std::string database, schema, path;
  std::string materialized, group, access, severity;
  std::string dataset;    ///< its relation, "shop.public.orders"; of a test that of what it tests
  std::string warehouse;  ///< its own, of Snowflake
  std::string owner;      ///< by its own meta, its group's, or of a test what it tests says
  std::string tested;     ///< of a test of one node: its unique_id
  std::string test, column;  ///< of a generic test: "not_null" and the column that it looks at
  std::vector<std::string> tags, parents;
  bool has_description = false, has_contract = false, has_primary_key = false;
  std::optional<Criteria> freshness;  ///< of a source whose freshness dbt is to measure

  /// Of a test: the one node that it tests, or all those that it selects from.
  std::vector<std::string> all_tested() const;
};

/// manifest.json (schemas v1 to v12): the project as the last command found it.
struct Manifest {
  Metadata metadata;
  Unread unread;
  std::map<std::string, Node> nodes;  ///< by unique_id; of two with one id the first
};

/// Whether nodes of this type test others: tests and unit tests.
bool is_test(std::string_view resource_type);

/// Whether a manifest names each node of this type.
bool is_in_manifest(std::string_view resource_type);

/// Throws Error.
Manifest read_manifest(const Artifact& artifact);

}  // namespace exporter::dbt
