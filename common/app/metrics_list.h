#pragma once

#include <string>

#include "common/app/app.h"

namespace exporter {

/// The Markdown page of --metrics.list: a table a collector, and one of what every exporter of the
/// suite says of itself. docs/metrics/<name>.md is this text.
std::string metrics_list(const App& app);

}  // namespace exporter
