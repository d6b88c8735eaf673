#include "exporters/host/module.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

namespace exporter::host {
namespace {

/// Whether procfs is this process's own: then its "self" is this process.
bool is_own_proc(const std::string& procfs) {
  struct stat own {
  }, given{};
  return ::stat("/proc/self", &own) == 0 && ::stat((procfs + "/self").c_str(), &given) == 0 &&
         own.st_dev == given.st_dev && own.st_ino == given.st_ino;
}

bool is_mount_of_proc(const std::string& path) {
  struct statfs file_system {};
  return ::statfs(path.c_str(), &file_system) == 0 && file_system.f_type == PROC_SUPER_MAGIC;
}

/// False if it may not be read; the reader of the file then reports that.
bool is_absent(const std::string& path) {
  return ::access(path.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

}  // namespace

std::string Host::self() const {
  const bool other = !is_own_proc(procfs) && ::access((procfs + "/1").c_str(), F_OK) == 0;
  return other ? "1" : "self";
}

std::string Host::network(std::string_view file) const {
  const std::string directories[] = {self() + "/net/", "net/", "self/net/"};
  for (const auto& directory : directories) {
    const auto path = directory + std::string(file);
    if (is_mount_of_proc(procfs + '/' + directory) || !is_absent(procfs + '/' + path)) return path;
  }
  return directories[0] + std::string(file);
}

bool Host::own_network() const {
  // The kernel has one set of /proc/PID/net files per network namespace.
  const auto given_path = procfs + '/' + network("dev");
  struct stat own {
  }, given{};
  return is_mount_of_proc(given_path) && ::stat("/proc/self/net/dev", &own) == 0 &&
         ::stat(given_path.c_str(), &given) == 0 && own.st_ino == given.st_ino;
}

std::string plain_path(std::string_view path) {
  std::string plain;
  for (const char c : path) {
    if (c != '/' || !plain.ends_with('/')) plain += c;
  }
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  return plain;
}

std::string rooted(std::string_view rootfs, std::string_view path) {
  std::string full(rootfs == "/" ? "" : rootfs);
  return full.append(path);
}

std::string_view unrooted(std::string_view rootfs, std::string_view path) {
  if (rootfs == "/" || !path.starts_with(rootfs)) return path;
  const auto below = path.substr(rootfs.size());
  if (below.empty()) return "/";
  return below.starts_with('/') ? below : path;
}

bool matches(std::string_view declared, std::string_view name) {
  const auto open = declared.find('<');
  if (open == std::string_view::npos) return declared == name;
  const auto suffix = declared.substr(declared.find('>') + 1);
  return name.size() > open + suffix.size() && name.starts_with(declared.substr(0, open)) &&
         name.ends_with(suffix);
}

}  // namespace exporter::host
