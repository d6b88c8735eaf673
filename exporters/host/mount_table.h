#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporters/host/files.h"

namespace exporter::host {

/// A line of /proc/PID/mountinfo, proc_pid_mountinfo(5).
struct Mount {
  std::uint64_t id;
  std::string device, mount_point, type, major, minor;
  bool read_only;       ///< by an option of the mount or of the file system
  std::string options;  ///< of the file system, as the kernel escapes them
};

/// Parses such a line; fails as `lines` does. Escapes in the device are kept, as in node_exporter.
Mount parse_mount(const Lines& lines, std::string_view line);

/// The value of a file system option, such as "upperdir=/x"; empty if it is not set.
std::string option_of(const Mount& mount, std::string_view name);

}  // namespace exporter::host
