#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "exporters/sql/described.h"

namespace exporter::sql {

/// The collector "reconcile" of a source that is the left side of a reconciliation.
Described describe_reconcile(const std::shared_ptr<Source>& source);

/// Its metrics.
std::span<const MetricView> reconcile_metrics();

/// The statement for one side: a row for each day with rows, with the day's number, counted from
/// the oldest, as dpe_day and the measures as v0 and so on. Its parameters are the bounds, day0 and
/// so on.
std::string reconcile_statement(const ReconciledTable& table, const std::vector<Measure>& measures,
                                std::size_t days);

}  // namespace exporter::sql
