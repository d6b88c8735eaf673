#pragma once

#include <string>
#include <string_view>

namespace exporter::airflow {

/// The table that the URI of an asset names, as database.schema.table in lower case, like the label
/// `dataset` of all exporters: "snowflake://account/DB/SCHEMA/T",
/// "postgres://host:5432/db.schema.t" (as Cosmos writes it), "bigquery:project.data.t". Empty if it
/// does not name a whole one.
std::string dataset_of(std::string_view uri);

}  // namespace exporter::airflow
