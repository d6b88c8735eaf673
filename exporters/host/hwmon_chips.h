#pragma once

#include <string>
#include <vector>

#include "exporters/host/files.h"

namespace exporter::host {

/// A chip of /sys/class/hwmon.
struct HwmonChip {
  std::string directory;  ///< relative, ends in a slash
  std::string name;       ///< stable across boots if possible
  std::string kind;       ///< the driver's name for it; may be empty
};

/// All chips. Several chips of one device are distinguished by their kind or, if that is the same
/// too, by their directory.
std::vector<HwmonChip> hwmon_chips(Files& sys);

}  // namespace exporter::host
