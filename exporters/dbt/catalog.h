#pragma once

#include <map>
#include <optional>
#include <string>

#include "exporters/dbt/artifact.h"

namespace exporter::dbt {

/// The warehouse's data about a table, if its adapter queries it.
struct TableStats {
  std::optional<double> rows, bytes;
};

/// catalog.json (schema v1): the relations of the nodes, as found by `dbt docs generate`.
struct Catalog {
  Metadata metadata;
  Unread unread;
  std::map<std::string, TableStats> tables;  ///< by unique_id
};

/// Throws Error.
Catalog read_catalog(const Artifact& artifact);

}  // namespace exporter::dbt
