#pragma once

#include <string>

#include "exporters/host/container/usage.h"

/// cgroup v2 alone, mounted at a directory.
inline exporter::host::container::Hierarchies unified_at(const std::string& directory) {
  using namespace exporter::host::container;
  Hierarchies hierarchies;
  for (std::size_t i = 0; i < kControllers; ++i) {
    hierarchies[static_cast<Controller>(i)] = {directory, true};
  }
  return hierarchies;
}
