#pragma once

#include <string>

namespace exporter::sql {

/// A configuration of burningalchemist/sql_exporter (and of free/sql_exporter, whose format it
/// extends), justwatchcom/sql_exporter or albertodonato/query-exporter as one of ours: comments on
/// what differs and what is to be done, each with its place, then YAML that --config.check accepts.
/// No password of the file and no environment variable's value is in it. Throws Error{config} with
/// its place for what cannot be read at all.
std::string import_config(const std::string& file);

}  // namespace exporter::sql
