#include "common/base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "common/base/descriptor.h"
#include "common/base/error.h"

namespace exporter {
namespace {

/// Waits until there is input or the writer has closed the file; false at the deadline.
bool wait_for_input(int fd, const Deadline& deadline) {
  pollfd polled{fd, POLLIN, 0};
  return ::poll(&polled, 1, static_cast<int>(deadline.left().count())) > 0;
}

}  // namespace

std::string read_file_within(const std::string& path, std::size_t max_bytes,
                             Clock::duration patience) {
  const auto deadline = Deadline::in(patience);
  // Without O_NONBLOCK, opening a FIFO waits for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  struct stat status {};
  if (*file < 0 || ::fstat(*file, &status) != 0) throw io_error(path, errno);
  // A FIFO reads as at its end until a writer has opened it.
  bool may_end = S_ISREG(status.st_mode);
  std::string text;
  std::array<char, 65536> buffer;
  while (text.size() <= max_bytes) {
    const auto room = std::min(buffer.size(), max_bytes + 1 - text.size());
    const auto count = ::read(*file, buffer.data(), room);
    const int error = count < 0 ? errno : 0;
    if (count > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(count));
      may_end = true;
    } else if (count == 0 && may_end) {
      break;
    } else if (error != 0 && error != EAGAIN && error != EINTR) {
      throw io_error(path, error);
    } else if (wait_for_input(*file, deadline)) {
      may_end = true;
    } else if (deadline.left().count() == 0) {
      throw Error(Reason::io, path + ": its writer did not finish in time");
    }
  }
  // An empty pipe means that the writer failed, or that a process substitution was read twice.
  if (S_ISFIFO(status.st_mode) && text.empty()) {
    throw Error(Reason::io, path + ": an empty pipe");
  }
  return text;
}

}  // namespace exporter
