#pragma once

#include <string>

#include "common/app/app.h"

namespace exporter {

/// The Markdown page of --metrics.list: one table for each collector, and one for the metrics that
/// all exporters of the suite have. docs/metrics/<name>.md is this text.
std::string metrics_list(const App& app);

}  // namespace exporter
