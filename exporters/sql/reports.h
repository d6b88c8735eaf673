#pragma once

#include <span>
#include <string>
#include <string_view>

#include "exporters/sql/source.h"

namespace exporter::sql {

/// The statements of the source's collectors with their intervals, as they would run now:
/// --print-sql.
ReportText write_statements(Source& source, const ReportInputs& inputs);

/// SQL that creates a user with only the privileges that the statements need: --grants. Tables are
/// the names after FROM and JOIN.
ReportText write_grants(Source& source, const ReportInputs& inputs);

/// The statements of one collector, their results, the resulting samples, and what was rejected and
/// why: --explain. Good if nothing was rejected. If the source has no such collector, the text is
/// empty and the choices are its collectors.
ReportText explain(Source& source, const ReportInputs& inputs);

/// Logs in and runs each collector once.
Findings check_source(Source& source, std::span<const std::string_view> collectors,
                      const Deadline& deadline);

}  // namespace exporter::sql
