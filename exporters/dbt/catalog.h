#pragma once

#include <map>
#include <optional>
#include <string>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// What the warehouse says of a table, where its adapter asks for it.
struct TableStats {
  std::optional<double> rows, bytes;
};

/// catalog.json (schema v1): the tables behind the nodes, as `dbt docs generate` found them.
struct Catalog {
  Metadata metadata;
  Unread unread;
  std::map<std::string, TableStats> tables;  ///< by unique_id
};

/// Throws Error.
Catalog read_catalog(const Artifact& artifact);

}  // namespace exporter::dbt
