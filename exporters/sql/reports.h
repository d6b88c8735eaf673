#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporters/sql/source.h"

namespace exporter::sql {

/// Each statement of the source's collectors with their pace, as it runs now: --print-sql.
ReportText write_statements(Source& source, const ReportInputs& inputs);

/// SQL that makes a user who may read what the statements read, and nothing else: --grants. Tables
/// are what follows FROM and JOIN.
ReportText write_grants(Source& source, const ReportInputs& inputs);

/// What one collector asks now, what comes back, the samples that this makes and what was refused
/// and why: --explain. Good when nothing was refused; without a text, with the names of the
/// collectors that there are, when the source has no such one.
ReportText explain(Source& source, const ReportInputs& inputs);

/// Logs in and runs each collector once.
Findings check_source(Source& source, std::span<const std::string_view> collectors,
                      const Deadline& deadline);

}  // namespace exporter::sql
