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
  bool read_only;  ///< by an option of the mount or of the file system
};

/// Reads such a line; fails as `lines` does. The device stays as the kernel escapes it, as
/// node_exporter shows it.
Mount parse_mount(const Lines& lines, std::string_view line);

}  // namespace exporter::host
