#include "exporters/host/container/group_files.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "common/base/error.h"

namespace exporter::host::container {
namespace {

constexpr std::size_t kFirstRead = 4096, kMaxFile = 1u << 20;
/// The kernel returns a list one page at a time; less than half a page is a complete one.
constexpr std::size_t kWhole = 2048;

/// Only these file systems allow reading a file again through one descriptor; elsewhere another
/// file may have replaced it.
bool made_on_the_fly(int descriptor) {
  struct statfs found {};
  return ::fstatfs(descriptor, &found) == 0 &&
         (found.f_type == CGROUP_SUPER_MAGIC || found.f_type == CGROUP2_SUPER_MAGIC);
}

std::optional<std::string_view> fill(int descriptor, std::string& buffer) {
  std::size_t size = 0;
  if (buffer.size() < kFirstRead) buffer.resize(kFirstRead);
  for (;;) {
    const auto got =
        ::pread(descriptor, buffer.data() + size, buffer.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    size += static_cast<std::size_t>(got);
    if (got == 0 || size < kWhole) return std::string_view(buffer).substr(0, size);
    if (size < buffer.size()) continue;
    if (size >= kMaxFile) return std::nullopt;
    buffer.resize(2 * size);
  }
}

}  // namespace

std::optional<std::string_view> GroupFiles::read(std::string_view root, std::string_view group,
                                                 std::string_view file, std::string& buffer) {
  auto asked = std::ranges::find(asked_, file, &Asked::file);
  if (asked == asked_.end()) asked = asked_.insert(asked, Asked{.file = file});
  if (asked->absent) return std::nullopt;
  if (asked->open) {
    const auto text = fill(asked->open.number(), buffer);
    asked->absent = !text;
    return text;
  }
  std::string path;
  path.append(root).append(group).append("/").append(file);
  OpenFile opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened && is_exhausted(errno)) throw io_error(path, errno);
  const auto text = opened ? fill(opened.number(), buffer) : std::nullopt;
  asked->absent = !text;
  if (text && OpenFile::may_keep() && made_on_the_fly(opened.number())) {
    asked->open = std::move(opened);
  }
  return text;
}

void GroupFiles::look_again() {
  std::erase_if(asked_, [](const Asked& asked) { return asked.absent; });
}

}  // namespace exporter::host::container
