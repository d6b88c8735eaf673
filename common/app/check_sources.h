#pragma once

#include <span>

#include "common/app/sources.h"

namespace exporter {

/// Asks each source what can be read of it, for a minute at most, and prints a line for each
/// finding as it comes to the end of a source. The exit code: 1 when one is not good.
int check_sources(std::span<const SourceCheck> checks);

}  // namespace exporter
