#include "exporters/host/container/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>

#include "common/base/error.h"
#include "common/base/text.h"
#include "exporters/host/mount_table.h"

namespace exporter::host::container {
namespace {

constexpr std::size_t kMaxDepth = 24;
constexpr std::size_t kMaxWithin = 100;

/// The controllers' names in the options of a cgroup v1 mount.
struct Named {
  std::string_view name;
  Controller controller;
};
constexpr Named kNamed[] = {{"cpu", Controller::cpu},
                            {"cpuacct", Controller::cpuacct},
                            {"memory", Controller::memory},
                            {"blkio", Controller::blkio},
                            {"pids", Controller::pids}};

bool is_hex(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == text.npos;
}

bool has_option(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    if (next_part(options, ',') == wanted) return true;
  }
  return false;
}

/// Nothing if the process is out of descriptors; empty if the directory is gone.
std::optional<std::vector<std::string>> directories_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> handle(::opendir(path.c_str()), ::closedir);
  if (!handle && is_exhausted(errno)) return std::nullopt;
  if (!handle) return names;
  while (const auto* entry = ::readdir(handle.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string container_of(std::string_view path) {
  constexpr std::string_view kDefaultNamespace = "/default/", kScope = ".scope";
  auto name = path.substr(path.rfind('/') + 1);
  if (path.starts_with(kDefaultNamespace) &&
      path.size() == kDefaultNamespace.size() + name.size()) {
    return std::string(name);
  }
  if (name.ends_with(kScope)) name.remove_suffix(kScope.size());
  if (name.size() < kIdDigits || !is_hex(name.substr(name.size() - kIdDigits))) return {};
  const auto before = name.substr(0, name.size() - kIdDigits);
  const bool separate = before.empty() || before.ends_with('-') || before.ends_with(':');
  if (!separate || before.ends_with("conmon-")) return {};
  return std::string(name.substr(before.size()));
}

Cgroups::Cgroups(const Host& host, Filter taken, std::size_t most)
    : sysfs_(std::filesystem::absolute(host.sysfs)),
      rootfs_(std::filesystem::absolute(host.rootfs)),
      mount_table_(host.self() + "/mountinfo"),
      taken_(std::move(taken)),
      most_(most),
      proc_(host.proc()) {}

/// The first mount of each tree counts; those of containers come later in the table.
void Cgroups::mount() {
  const auto text = proc_.read_once(mount_table_);
  if (!text) return;
  Lines lines(proc_.path(mount_table_), *text);
  std::string unified;
  for (std::string_view line; lines.next(line);) {
    if (line.find(" - cgroup") == line.npos) continue;
    const auto mount = parse_mount(lines, line);
    const bool in_sys = mount.mount_point.starts_with("/sys/");
    const auto root =
        in_sys ? sysfs_ + mount.mount_point.substr(4) : rooted(rootfs_, mount.mount_point);
    if (mount.type == "cgroup2" && unified.empty()) unified = root;
    if (mount.type != "cgroup") continue;
    for (const auto& [name, controller] : kNamed) {
      auto& tree = hierarchies_[controller];
      if (tree.root.empty() && has_option(line.substr(line.rfind(' ') + 1), name)) tree.root = root;
    }
  }
  hierarchies_[Controller::pressure] = {unified, true};
  for (const auto& [name, controller] : kNamed) {
    auto& tree = hierarchies_[controller];
    if (tree.root.empty()) tree = {unified, true};
    if (root_.empty()) root_ = tree.root;
  }
  const auto& memory = hierarchies_[Controller::memory].root;
  if (!memory.empty()) root_ = memory;
}

const std::vector<Group*>& Cgroups::find() {
  if (root_.empty()) mount();
  if (root_.empty()) return shown_;
  dropped_ = 0;
  directories_ = 0;
  unlisted_ = false;
  if (!visit(top_, nullptr, 0)) {
    top_ = {};
    changed_ = true;
  }
  if (unlisted_) throw io_error(root_, EMFILE);
  if (std::exchange(changed_, false)) {
    shown_.clear();
    if (top_.inode != 0) gather(top_, nullptr);
    std::ranges::sort(
        shown_, {}, [](const Group* group) -> auto& { return group->id; });
  }
  return shown_;
}

/// Updates the state of a directory; false if it is gone.
bool Cgroups::visit(Directory& directory, const Directory* parent, std::size_t depth) {
  struct stat found {};
  // Relative to the open parent this costs a third of a full path.
  const bool near = parent != nullptr && parent->handle;
  const int failed = near ? ::fstatat(parent->handle.number(),
                                      directory.path.c_str() + parent->path.size() + 1, &found, 0)
                          : ::stat((root_ + directory.path).c_str(), &found);
  if (failed != 0 || !S_ISDIR(found.st_mode)) return false;
  ++directories_;
  if (found.st_ino != directory.inode) begin(directory, found.st_ino);
  // A file system that does not count directories reports 1.
  const auto before = std::exchange(directory.links, found.st_nlink);
  const bool has_room = directory.dropped > 0 && depth < kMaxDepth && directories_ < most_;
  if (found.st_nlink != before || found.st_nlink < 2 || has_room) list(directory, depth);
  const auto vanished = [&](const auto& child) { return !visit(*child, &directory, depth + 1); };
  if (std::erase_if(directory.below, vanished) > 0) {
    changed_ = true;
    list(directory, depth);
    std::erase_if(directory.below,
                  [&](auto& child) { return child->inode == 0 && vanished(child); });
  }
  dropped_ += directory.dropped;
  return true;
}

/// A directory that is new, or was recreated with the same name.
void Cgroups::begin(Directory& directory, ino_t inode) {
  directory = {.path = std::move(directory.path), .inode = inode};
  const std::string id = directory.path.empty() ? "/" : directory.path;
  auto container = container_of(id);
  if (!container.empty() || taken_.passes(id)) {
    directory.group = Group{.id = id, .container = std::move(container)};
  }
  changed_ = true;
}

/// Adds new directories.
void Cgroups::list(Directory& directory, std::size_t depth) {
  const auto path_of = [](const auto& child) -> const std::string& { return child->path; };
  const auto known = directory.below.size();
  const auto names = directories_in(root_ + directory.path);
  if (!names) {
    directory.links = 0;  // so that the next run lists it
    unlisted_ = true;
    return;
  }
  directory.dropped = 0;
  for (const auto& name : *names) {
    auto path = directory.path + '/' + name;
    const std::span below(directory.below.data(), known);
    if (std::ranges::binary_search(below, path, {}, path_of)) continue;
    if (depth < kMaxDepth && directories_ + directory.below.size() < most_) {
      directory.below.push_back(std::make_unique<Directory>(Directory{.path = std::move(path)}));
    } else {
      ++directory.dropped;
    }
  }
  std::ranges::sort(directory.below, {}, path_of);
  if (!directory.below.empty() && !directory.handle && OpenFile::may_keep()) {
    const auto path = root_ + directory.path;
    directory.handle = OpenFile(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
}

void Cgroups::gather(Directory& directory, Group* container) {
  if (directory.group) {
    directory.group->directories.clear();
    shown_.push_back(&*directory.group);
    if (!directory.group->container.empty()) container = &*directory.group;
  }
  if (container != nullptr && container->directories.size() < kMaxWithin) {
    container->directories.push_back({.path = directory.path});
  }
  for (const auto& child : directory.below) gather(*child, container);
}

}  // namespace exporter::host::container
