#include "exporters/host/visibility.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace exporter::host {
namespace {

constexpr ino_t kFirstPidNamespace = 0xEFFFFFFC;
constexpr ino_t kFirstUtsNamespace = 0xEFFFFFFE;

bool is_readable(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

bool is_in(const char* own_namespace, ino_t first) {
  struct stat found {};
  return ::stat(own_namespace, &found) != 0 || found.st_ino == first;
}

/// Whether it is a mount of procfs other than this process's own.
bool is_foreign_proc(const std::string& procfs) {
  struct statfs file_system {};
  struct stat own {
  }, given{};
  return ::statfs(procfs.c_str(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC &&
         ::stat("/proc", &own) == 0 && ::stat(procfs.c_str(), &given) == 0 &&
         own.st_dev != given.st_dev;
}

}  // namespace

std::vector<std::string> blind_spots(const Host& host) {
  const bool foreign = is_foreign_proc(host.procfs);
  std::vector<std::string> found;
  if (!is_readable(host.procfs + "/stat")) {
    found.emplace_back(host.procfs +
                       " is not a procfs: almost nothing can be shown (--path.procfs)");
  } else if (!foreign && host.self() == "self" && !is_in("/proc/self/ns/pid", kFirstPidNamespace)) {
    found.emplace_back(
        "this is a container: its own processes, network and mounts are shown; mount the host's "
        "/proc and name it with --path.procfs");
  }
  if (!is_readable(host.sysfs + "/class")) {
    found.emplace_back(host.sysfs + " is not a sysfs: no devices are shown (--path.sysfs)");
  }
  if (host.self() != "self" && host.rootfs == "/") {
    found.emplace_back(
        "the host's file systems cannot be measured: mount its root and name it with "
        "--path.rootfs");
  }
  if (!is_in("/proc/self/ns/uts", kFirstUtsNamespace)) {
    found.emplace_back("node_uname_info names the container: run it in the host's UTS namespace");
  }
  if (const auto devices = host.proc().path(host.network("dev")); !is_readable(devices)) {
    found.emplace_back("the host's network cannot be read at " + devices);
  } else if (foreign && host.network("dev") != "1/net/dev") {
    found.emplace_back("the network of the host's process 1 is hidden in " + host.procfs +
                       ": the exporter's own is shown; run it in the host's network namespace");
  }
  if (!is_readable(host.udev_data)) {
    found.emplace_back("models and serial numbers of disks are not shown: " + host.udev_data +
                       " cannot be read (--path.udev.data)");
  }
  return found;
}

}  // namespace exporter::host
