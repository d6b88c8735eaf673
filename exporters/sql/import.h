#pragma once

#include <string>

namespace exporter::sql {

/// Converts a configuration of burningalchemist/sql_exporter (and of free/sql_exporter, whose
/// format it extends), justwatchcom/sql_exporter or albertodonato/query-exporter to one of ours:
/// comments on differences and on what to do, each with its position, then YAML that --config.check
/// accepts. Contains no password of the file and no environment variable's value. Throws
/// Error{config} with the position if the file cannot be read at all.
std::string import_config(const std::string& file);

}  // namespace exporter::sql
