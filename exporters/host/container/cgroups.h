#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/app/settings.h"
#include "exporters/host/container/layers.h"
#include "exporters/host/container/processes.h"
#include "exporters/host/container/usage.h"
#include "exporters/host/module.h"

namespace exporter::host::container {

/// A control group that is shown: a container's, or one that the user's filter takes.
struct Group {
  struct Folder {
    std::string path;
    GroupFiles files{};
  };

  std::string id;         ///< its path in the hierarchy
  std::string container;  ///< the engine's id of the container, or its name; empty when it is none
  std::vector<Folder> folders{};  ///< itself and the groups within that are no containers

  Known known{};
  Processes processes{};
  Layer layer{};                  ///< of a container
  Clock::time_point refreshed{};  ///< when what changes seldom was read

  /// The path below the root of a tree; that of the top is empty.
  std::string_view path() const { return id == "/" ? std::string_view() : id; }
};

/// The container that a control group of this path belongs to, as Docker, containerd, CRI-O and
/// Podman name them under both of their drivers: the id of 64 digits that its name ends in, or the
/// name below containerd's namespace "default". Empty when it is none.
std::string container_of(std::string_view path);
constexpr std::size_t kIdDigits = 64;

/// The host's tree of control groups (cgroups(7)): cgroup v2, v1, or both side by side. Follows it
/// from run to run: a folder is listed again only when its number of folders has changed or one of
/// them has gone.
class Cgroups {
 public:
  Cgroups(const Host& host, Filter taken);

  /// The groups to show, in the order of their paths; the pointers hold until the next call. Throws
  /// Error{io} for want of descriptors.
  const std::vector<Group*>& find();

  /// Where the controllers' files are; nothing mounted before the first find().
  const Hierarchies& hierarchies() const { return hierarchies_; }

  /// Where the tree is mounted that find() walks.
  const std::string& root() const { return root_; }

  /// How many folders were left out because there are too many or they nest too deep.
  std::size_t dropped() const { return dropped_; }

 private:
  struct Folder {
    std::string path;
    ino_t inode = 0;
    nlink_t links = 0;
    std::size_t dropped = 0;
    OpenFile handle{};  ///< open as long as there are folders below
    std::vector<std::unique_ptr<Folder>> below{};
    std::optional<Group> group{};
  };

  void mount();
  bool visit(Folder& folder, const Folder* parent, std::size_t depth);
  void begin(Folder& folder, ino_t inode);
  void list(Folder& folder, std::size_t depth);
  void gather(Folder& folder, Group* container);

  std::string sysfs_, rootfs_, mount_table_;
  Filter taken_;
  Files proc_;
  Hierarchies hierarchies_;
  std::string root_;  ///< of the hierarchy that is walked
  Folder top_;
  std::vector<Group*> shown_;
  bool changed_ = true;
  bool unlisted_ = false;  ///< some folder, for want of descriptors
  std::size_t folders_ = 0, dropped_ = 0;
};

}  // namespace exporter::host::container
