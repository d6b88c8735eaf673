#include "exporters/host/text_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "common/base/descriptor.h"
#include "common/base/error.h"
#include "exporters/host/module.h"

namespace exporter::host {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& why) {
  throw Error(Reason::io, path + ": " + why);
}

struct stat status_of(int descriptor, const std::string& path) {
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw io_error(path, errno);
  return status;
}

bool same(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

std::vector<std::string> matching_directories(const std::string& pattern) {
  std::vector<std::string> directories;
  glob_t found{};
  if (::glob(pattern.c_str(), GLOB_NOCHECK, nullptr, &found) == 0) {
    directories.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  if (directories.empty()) directories.push_back(pattern);
  for (auto& directory : directories) directory = plain_path(directory);
  return directories;
}

std::vector<std::string> prom_files(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(directory.c_str()), ::closedir);
  if (!handle && errno == ENOENT) fail(directory, "the directory does not exist");
  if (!handle) throw io_error(directory, errno);
  std::vector<std::string> files;
  while (const auto* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".prom")) files.push_back(directory + '/' + std::string(name));
  }
  std::sort(files.begin(), files.end());
  return files;
}

TextFile read_text_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (*file < 0) throw io_error(path, errno);
  const auto before = status_of(*file, path);
  if (!S_ISREG(before.st_mode)) fail(path, "not a regular file");
  const auto size = static_cast<std::size_t>(before.st_size);
  if (size > limit) fail(path, "larger than " + std::to_string(limit >> 20) + " MiB");
  TextFile content{std::string(size, '\0'), before.st_mtim.tv_sec};
  for (std::size_t done = 0; done < size;) {
    const auto got = ::read(*file, content.text.data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error(path, errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  const auto after = status_of(*file, path);
  if (after.st_size != before.st_size || !same(after.st_mtim, before.st_mtim)) {
    fail(path, "changed while it was read");
  }
  return content;
}

}  // namespace exporter::host
