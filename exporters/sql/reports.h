#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporters/sql/source.h"

namespace exporter::sql {

/// "every 1m, timeout 10s".
std::string pace_of(const CollectorConfig& config);

/// The statement's parameters as if it were run now for the first time.
Parameters parameters_now(const CollectorConfig& config);

/// Each statement of the collectors with its pace, as it runs now: --print-sql.
std::string write_statements(Source& source, const ReportInputs& inputs);

/// SQL that makes a user who may read what the statements read, and nothing else: --grants. Tables
/// are what follows FROM and JOIN.
std::string write_grants(Source& source, const ReportInputs& inputs);

/// What one collector reads now, the samples that this makes and what was refused and why:
/// --explain. Empty when the source has no such collector.
std::string explain(Source& source, const ReportInputs& inputs);

/// Logs in and runs each collector's query once.
Findings check_source(Source& source, std::span<const std::string_view> collectors,
                      const Deadline& deadline);

}  // namespace exporter::sql
