#include "exporters/host/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <iterator>
#include <memory>
#include <utility>

#include "common/base/error.h"
#include "common/base/log.h"

namespace exporter::host {
namespace {

constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kMaxFile = 64u << 20;

bool is_absent(int error) {
  return error == ENOENT || error == ENOTDIR || error == ENODEV || error == ENXIO ||
         error == ESRCH || error == EOPNOTSUPP;
}

/// Only files that the kernel generates at each read may be read again through one descriptor;
/// elsewhere another file may have replaced it.
bool made_on_the_fly(int descriptor) {
  struct statfs file_system {};
  if (::fstatfs(descriptor, &file_system) != 0) return false;
  return file_system.f_type == PROC_SUPER_MAGIC || file_system.f_type == SYSFS_MAGIC ||
         file_system.f_type == CGROUP_SUPER_MAGIC || file_system.f_type == CGROUP2_SUPER_MAGIC;
}

/// The maximum number of descriptors that one collector may keep, so that a few collectors cannot
/// use up all.
std::size_t max_open() {
  static const std::size_t kMax = std::min<std::size_t>(descriptor_limit(), 65536) / 16;
  return kMax;
}

}  // namespace

Files::Files(std::string root, Tree tree, Clock::duration unused_after)
    : root_(std::move(root)), tree_(tree), unused_after_(unused_after) {
  while (root_.ends_with('/')) root_.pop_back();
}

std::string Files::path(std::string_view relative) const {
  std::string full;
  full.reserve(root_.size() + 1 + relative.size());
  return full.append(root_).append("/").append(relative);
}

std::optional<std::string_view> Files::read(std::string_view relative) {
  const auto full = path(relative);
  ++reads_;
  if (const auto kept = open_.find(full); kept != open_.end()) {
    int error = 0;
    kept->second.asked = true;
    if (fill(kept->second.file.number(), error)) return buffer_;
    if (is_unreadable(error)) return std::nullopt;
    open_.erase(kept);
  }
  return open_and_read(full, Keep::yes);
}

std::optional<std::string_view> Files::read_filled(std::string_view relative) {
  using namespace std::string_view_literals;
  const auto text = read(relative);
  if (!text || text->find_first_not_of("\0 \t\r\n"sv) != text->npos) return text;
  if (auto full = path(relative); empty_.insert(full).second) {
    log::warn("empty file left out", {{"file", full}});
  }
  return std::nullopt;
}

std::optional<std::string_view> Files::read_once(std::string_view relative) {
  return open_and_read(path(relative), Keep::no);
}

std::optional<std::string_view> Files::open_and_read(const std::string& full, Keep keep) {
  OpenFile file(::open(full.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  int error = errno;
  if (file) {
    const bool good = fill(file.number(), error);
    const bool worth_keeping = keep == Keep::yes && (good || is_unreadable(error));
    if (worth_keeping && made_on_the_fly(file.number()) && make_room()) {
      open_.emplace(full, Kept{std::move(file), true});
    }
    if (good) return buffer_;
  }
  if (is_absent(error) || is_unreadable(error)) return std::nullopt;
  throw io_error(full, error);
}

/// Whether the error is that of a sysfs attribute that exists but has no value at the moment.
bool Files::is_unreadable(int error) const {
  return tree_ == Tree::sys && !is_absent(error) && !is_exhausted(error);
}

/// Whether one more descriptor may be kept. Closes those that were not used for a while or, where
/// there is no room, not recently, but then only after enough reads for each file of a run to have
/// been used.
bool Files::make_room() {
  const auto has_room = [this] { return open_.size() < max_open() && OpenFile::may_keep(); };
  const bool is_due = Clock::now() - closed_unused_ >= unused_after_;
  if (is_due || (!has_room() && reads_ >= 2 * max_open())) close_unused();
  return has_room();
}

void Files::close_unused() {
  closed_unused_ = Clock::now();
  reads_ = 0;
  for (auto entry = open_.begin(); entry != open_.end();) {
    entry = std::exchange(entry->second.asked, false) ? std::next(entry) : open_.erase(entry);
  }
}

/// Reads the whole file into buffer_; false, with the errno value, if it cannot.
bool Files::fill(int descriptor, int& error) {
  std::size_t size = 0;
  buffer_.resize(std::max(buffer_.capacity(), kFirstRead));
  for (;;) {
    const auto got =
        ::pread(descriptor, buffer_.data() + size, buffer_.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      error = errno;
      return false;
    }
    size += static_cast<std::size_t>(got);
    // /proc returns whole records, often fewer than would fit: only 0 means the end.
    if (got == 0 || (tree_ == Tree::sys && size < buffer_.size())) break;
    if (size < buffer_.size()) continue;
    if (size >= kMaxFile) {
      error = EFBIG;
      return false;
    }
    buffer_.resize(size * 2);
  }
  buffer_.resize(size);
  return true;
}

std::optional<std::string_view> Files::line(std::string_view relative) {
  const auto text = read(relative);
  if (!text) return std::nullopt;
  return trim(*text);
}

std::optional<double> Files::number(std::string_view relative) {
  const auto text = line(relative);
  if (!text || text->empty()) return std::nullopt;
  const auto value = parse_number<double>(*text);
  if (!value) throw Error(Reason::decode, path(relative) + ":1: expected a number");
  return value;
}

std::vector<std::string> Files::list(std::string_view directory) const {
  std::vector<std::string> names;
  const auto full = path(directory);
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(full.c_str()), ::closedir);
  if (!handle) {
    if (is_absent(errno) || is_unreadable(errno)) return names;
    throw io_error(full, errno);
  }
  while (const auto* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::string> Files::link(std::string_view relative) const {
  std::array<char, PATH_MAX> target;
  const auto size = ::readlink(path(relative).c_str(), target.data(), target.size());
  if (size < 0) return std::nullopt;
  return std::string(target.data(), static_cast<std::size_t>(size));
}

bool Files::exists(std::string_view relative) const {
  return ::access(path(relative).c_str(), F_OK) == 0;
}

bool Lines::next(std::string_view& line) {
  do {
    if (!next_of_any(line)) return false;
  } while (line.find_first_not_of(" \t") == line.npos);
  return true;
}

bool Lines::next_of_any(std::string_view& line) {
  // LXCFS pads its files with zero bytes to the size of the host's.
  while (rest_.starts_with('\0')) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of('\0'), rest_.size()));
    if (rest_.starts_with('\n')) rest_.remove_prefix(1);
  }
  if (rest_.empty()) return false;
  line = next_part(rest_, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);
  ++number_;
  return true;
}

double Lines::number(std::string_view text) const {
  const auto value = parse_number<double>(text);
  if (!value) fail(text.empty() ? "a number is missing" : "expected a number");
  return *value;
}

std::uint64_t Lines::integer(std::string_view text, int base) const {
  const auto value = parse_number<std::uint64_t>(text, base);
  if (!value) fail(text.empty() ? "an integer is missing" : "expected an unsigned integer");
  return *value;
}

void Lines::fail(std::string_view why) const {
  throw Error(Reason::decode, path_ + ':' + std::to_string(number_) + ": " + std::string(why));
}

}  // namespace exporter::host
