#include "exporters/host/container/layers.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "common/base/error.h"

namespace exporter::host::container {
namespace {

constexpr auto kEvery = std::chrono::minutes(1);
constexpr auto kPatience = std::chrono::milliseconds(400);
constexpr std::size_t kWorkers = 4;

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

Layers::Layers(const Host& host, std::unique_ptr<MountStatter> statter)
    : proc_(host.proc()),
      rootfs_(host.rootfs),
      // As in filesystem.cc: a service may have its own mount table, the first process has the
      // host's.
      table_path_(proc_.exists("1/mountinfo") ? "1/mountinfo" : "self/mountinfo"),
      statter_(std::move(statter)) {}

std::unique_ptr<MountStatter> Layers::make_statter() {
  return std::make_unique<MountStatter>(kWorkers);
}

std::shared_ptr<const LayerSystem> Layers::of(std::string_view pid,
                                              std::string_view upper_directory) {
  if (!table_) {
    table_ = read_table(table_path_);
    for (auto& mount : *table_) {
      mount.mount_point = std::string(unrooted(rootfs_, mount.mount_point));
    }
  }
  const auto* mount = mount_of(pid, upper_directory);
  if (mount == nullptr) return nullptr;
  auto& system = systems_[mount->id];
  const auto path = rooted(rootfs_, mount->mount_point);
  if (!system || system->device != mount->device || system->place.path != path) {
    system = std::make_shared<LayerSystem>(LayerSystem{mount->device, {mount->id, path}});
  }
  return system;
}

void Layers::update(Layer& layer, std::string_view pid, std::string_view upper_directory) {
  const auto root = upper_directory.empty() ? root_mount_of(pid) : std::nullopt;
  if (root && root == layer.root) return;
  layer = {of(pid, upper_directory), root};
}

void Layers::ask(const Deadline& deadline) {
  table_.reset();
  std::erase_if(systems_, [](const auto& entry) { return entry.second.use_count() == 1; });
  const auto now = Clock::now();
  std::vector<LayerSystem*> due;
  auto places = std::make_shared<std::vector<MountPoint>>();
  for (const auto& [id, system] : systems_) {
    if (system->asked != Clock::time_point{} && now - system->asked < kEvery) continue;
    due.push_back(system.get());
    places->push_back(system->place);
  }
  if (due.empty()) return;
  const auto stats =
      statter_->stat(places, std::min(deadline.when(), now + kPatience), deadline.stop());
  for (std::size_t i = 0; i < due.size(); ++i) {
    due[i]->stat = stats[i] && stats[i]->error == 0 ? stats[i] : std::nullopt;
    due[i]->asked = now;
  }
}

/// Its number; before Linux 5.8 the kernel does not provide it.
std::optional<std::uint64_t> Layers::root_mount_of(std::string_view pid) const {
  struct statx found {};
  const auto path = proc_.path(std::string(pid) + "/root");
  const auto flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  if (::statx(AT_FDCWD, path.c_str(), flags, STATX_MNT_ID, &found) != 0) return std::nullopt;
  if ((found.stx_mask & STATX_MNT_ID) == 0) return std::nullopt;
  return found.stx_mnt_id;
}

/// A process that is hidden (hidepid, a security module) has no known layer.
std::optional<Mount> Layers::root_of(std::string_view pid) {
  std::optional<Mount> root;
  try {
    for (auto& mount : read_table(std::string(pid) + "/mountinfo")) {
      if (mount.mount_point == "/") root = std::move(mount);
    }
  } catch (const Error& error) {
    if (error.reason() != Reason::io) throw;
  }
  return root;
}

const Mount* Layers::mount_of(std::string_view pid, std::string_view upper_directory) {
  if (!upper_directory.empty()) return mount_below(upper_directory);
  const auto root = root_of(pid);
  if (!root) return nullptr;
  if (root->type == "overlay") return mount_below(option_of(*root, "upperdir"));
  const auto same = std::ranges::find_if(*table_, [&](const Mount& mount) {
    return mount.major == root->major && mount.minor == root->minor;
  });
  return same == table_->end() ? nullptr : &*same;
}

/// Of several mounts at one place, the last is on top.
const Mount* Layers::mount_below(std::string_view directory) const {
  const Mount* found = nullptr;
  for (const auto& mount : *table_) {
    if (!is_below(directory, mount.mount_point)) continue;
    if (found == nullptr || mount.mount_point.size() >= found->mount_point.size()) found = &mount;
  }
  return found;
}

std::vector<Mount> Layers::read_table(const std::string& path) {
  std::vector<Mount> mounts;
  const auto text = proc_.read_once(path);
  Lines lines(proc_.path(path), text.value_or(""));
  for (std::string_view line; lines.next(line);) mounts.push_back(parse_mount(lines, line));
  return mounts;
}

}  // namespace exporter::host::container
