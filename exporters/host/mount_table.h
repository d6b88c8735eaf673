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

/// Reads such a line; fails as `lines` does. The device stays as the kernel escapes it, as
/// node_exporter shows it.
Mount parse_mount(const Lines& lines, std::string_view line);

/// What an option of the file system is set to, "upperdir=/x" for one; empty when it is not there.
std::string option_of(const Mount& mount, std::string_view name);

}  // namespace exporter::host
