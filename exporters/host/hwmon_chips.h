#pragma once

#include <string>
#include <vector>

#include "exporters/host/files.h"

namespace exporter::host {

/// A chip of /sys/class/hwmon.
struct HwmonChip {
  std::string folder;  ///< relative, ends in a slash
  std::string name;    ///< its own, the same at each start of the machine where that is possible
  std::string kind;    ///< what its driver calls it; may be empty
};

/// All chips. Several of one device are told apart by their kind or, when that is the same too, by
/// their folder.
std::vector<HwmonChip> hwmon_chips(Files& sys);

}  // namespace exporter::host
