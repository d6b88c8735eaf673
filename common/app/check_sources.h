#pragma once

#include <span>

#include "common/app/sources.h"

namespace exporter {

/// Checks what can be read of each source, for at most a minute each, and prints a line for each
/// finding as the source's check ends. Returns exit code 1 if a finding is bad.
int check_sources(std::span<const SourceCheck> checks);

}  // namespace exporter
