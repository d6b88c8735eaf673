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

/// A control group that is shown: a container's, or one that the user's filter selects.
struct Group {
  struct Directory {
    std::string path;
    GroupFiles files{};
  };

  std::string id;         ///< its path in the hierarchy
  std::string container;  ///< the engine's id of the container, or its name; empty if it is not one
  std::vector<Directory>
      directories{};  ///< its own and those of the groups below that are not containers

  Known known{};
  Processes processes{};
  Layer layer{};                  ///< of a container
  Clock::time_point refreshed{};  ///< when slowly changing values were read

  /// The path below the root of a tree; empty for the root.
  std::string_view path() const { return id == "/" ? std::string_view() : id; }
};

/// The container that a control group with this path belongs to, as named by Docker, containerd,
/// CRI-O and Podman with both of their drivers: the 64-digit id at the end of its name, or the name
/// below containerd's namespace "default". Empty if it is not a container's.
std::string container_of(std::string_view path);
constexpr std::size_t kIdDigits = 64;

/// The host's tree of control groups (cgroups(7)): cgroup v2, v1, or both side by side. Tracks it
/// from run to run: a directory is listed again only if its number of directories has changed, one
/// of them is gone, or some of them were left out.
class Cgroups {
 public:
  /// The limit of the walk: anyone who may create control groups, even in a container, determines
  /// their number.
  static constexpr std::size_t kMostDirectories = 20'000;

  Cgroups(const Host& host, Filter taken, std::size_t most = kMostDirectories);

  /// The groups to show, in the order of their paths; the pointers are valid until the next call.
  /// Throws Error{io} when out of descriptors.
  const std::vector<Group*>& find();

  /// The location of the controllers' files; nothing is mounted before the first find().
  const Hierarchies& hierarchies() const { return hierarchies_; }

  /// The mount of the tree that find() walks.
  const std::string& root() const { return root_; }

  /// How many directories were left out because there are too many or they are nested too deeply.
  std::size_t dropped() const { return dropped_; }

 private:
  struct Directory {
    std::string path;
    ino_t inode = 0;
    nlink_t links = 0;
    std::size_t dropped = 0;
    OpenFile handle{};  ///< open while there are directories below
    std::vector<std::unique_ptr<Directory>> below{};
    std::optional<Group> group{};
  };

  void mount();
  bool visit(Directory& directory, const Directory* parent, std::size_t depth);
  void begin(Directory& directory, ino_t inode);
  void list(Directory& directory, std::size_t depth);
  void gather(Directory& directory, Group* container);

  std::string sysfs_, rootfs_, mount_table_;
  Filter taken_;
  std::size_t most_;
  Files proc_;
  Hierarchies hierarchies_;
  std::string root_;  ///< of the walked hierarchy
  Directory top_;
  std::vector<Group*> shown_;
  bool changed_ = true;
  bool unlisted_ = false;  ///< whether a directory was not listed when out of descriptors
  std::size_t directories_ = 0, dropped_ = 0;
};

}  // namespace exporter::host::container
