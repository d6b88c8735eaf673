#pragma once

#include <vector>

#include "common/app/app.h"
#include "common/app/command.h"
#include "common/app/sources.h"

namespace exporter {

/// Writes the past of the sources as OpenMetrics with timestamps, a file a month, for
/// `promtool tsdb create-blocks-from openmetrics`, and prints their names. Throws Error of the
/// first thing that fails: the months before it are whole then. The exit code.
int backfill(const App& app, const Command& command, const std::vector<SourcePast>& pasts);

}  // namespace exporter
