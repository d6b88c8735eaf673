#pragma once

#include <string>
#include <vector>

#include "exporters/host/module.h"

namespace exporter::host {

/// What of the host this process cannot see as it was started, one sentence each with what to do
/// about it: trees that are not there, a container's namespaces in place of the host's, files that
/// only root may read. Empty when it sees all.
std::vector<std::string> blind_spots(const Host& host);

}  // namespace exporter::host
