#pragma once

#include <vector>

#include "common/app/app.h"
#include "common/app/command.h"
#include "common/app/sources.h"

namespace exporter {

/// Writes the past of the sources as OpenMetrics with timestamps, one file a month, for `promtool
/// tsdb create-blocks-from openmetrics`, and prints the names of the files. Returns the exit code.
/// Throws the first Error; the files of earlier months are complete.
int backfill(const App& app, const Command& command, const std::vector<SourcePast>& pasts);

}  // namespace exporter
