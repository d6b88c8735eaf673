#pragma once

#include <algorithm>
#include <string>

namespace exporter::host {

/// The name of a block device in /sys; the device's own name may contain a slash: "cciss!c0d0" for
/// "cciss/c0d0" (kobject_set_name_vargs() in Linux).
inline std::string sys_name(std::string device) {
  std::ranges::replace(device, '/', '!');
  return device;
}

/// The name of a block device in /proc/diskstats, given its name in /sys.
inline std::string device_name(std::string name) {
  std::ranges::replace(name, '!', '/');
  return name;
}

}  // namespace exporter::host
