#include "exporters/host/open_file.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace exporter::host {
namespace {

std::atomic<std::size_t> open_files = 0;

}  // namespace

OpenFile::OpenFile(int number) : number_(number) {
  if (number_ >= 0) ++open_files;
}

OpenFile::~OpenFile() {
  if (number_ < 0) return;
  ::close(number_);
  --open_files;
}

bool OpenFile::may_keep() {
  static const std::size_t kMost = descriptor_limit() / 4;
  return open_files <= kMost;
}

std::size_t descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::size_t>(limit.rlim_cur);
}

bool is_exhausted(int error) { return error == EMFILE || error == ENFILE; }

}  // namespace exporter::host
