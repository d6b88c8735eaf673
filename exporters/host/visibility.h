#pragma once

#include <string>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {

/// The parts of the host that are not visible to this process, one sentence each with what to do
/// about it: missing trees, a container's namespaces instead of the host's, files that only root
/// may read. Empty if everything is visible.
std::vector<std::string> blind_spots(const Host& host);

}  // namespace exporter::host
