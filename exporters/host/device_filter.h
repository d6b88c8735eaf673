#pragma once

#include <string_view>

#include "common/app/settings.h"

namespace exporter::host {

/// Reads a pair of flags of node_exporter's, of which one at most may be set: an inclusion takes
/// the place of the exclusion that is the default. Throws Error{config} when both are set.
Filter device_filter(const Settings& settings, const Flag& include, const Flag& exclude);

}  // namespace exporter::host
