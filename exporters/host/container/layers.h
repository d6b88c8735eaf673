#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/deadline.h"
#include "exporters/host/module.h"
#include "exporters/host/mount_stats.h"
#include "exporters/host/mount_table.h"

namespace exporter::host::container {

/// A file system of the host that containers write to.
struct LayerSystem {
  std::string device;  ///< its source in the mount table
  MountPoint place;
  std::optional<MountStat> stat{};  ///< nothing if it did not respond
  Clock::time_point asked{};
};

/// The file system that a container writes to, and the mount at its process's root from which it
/// was derived.
struct Layer {
  std::shared_ptr<const LayerSystem> system{};
  std::optional<std::uint64_t> root{};
};

/// Finds the file systems of containers' writable layers. Each is asked for its size once a minute,
/// however many containers it has.
class Layers {
 public:
  explicit Layers(const Host& host, std::unique_ptr<MountStatter> statter = make_statter());

  /// The file system that a container writes to: that of its overlay's upper directory, as named by
  /// its engine or else found in the mounts of its process; without an overlay, that of the
  /// process's root. Nothing if it is not mounted on the host, if an overlay has no upper
  /// directory, or without the permission to look. Throws Error{decode}.
  std::shared_ptr<const LayerSystem> of(std::string_view pid, std::string_view upper_directory);
  /// Updates a layer; reads the mounts of the process only if another mount is at its root.
  void update(Layer& layer, std::string_view pid, std::string_view upper_directory);
  /// Asks the file systems in use for their sizes, if that is due; waits up to 400 ms for one that
  /// does not respond. Throws Error{io} if no thread can be started.
  void ask(const Deadline& deadline);

 private:
  static std::unique_ptr<MountStatter> make_statter();
  std::optional<std::uint64_t> root_mount_of(std::string_view pid) const;
  std::optional<Mount> root_of(std::string_view pid);
  const Mount* mount_of(std::string_view pid, std::string_view upper_directory);
  const Mount* mount_below(std::string_view directory) const;
  std::vector<Mount> read_table(const std::string& path);

  Files proc_;
  std::string rootfs_, table_path_;
  std::optional<std::vector<Mount>> table_{};  ///< of the host, read since the last ask()
  std::map<std::uint64_t, std::shared_ptr<LayerSystem>> systems_{};  ///< by the mount's number
  std::unique_ptr<MountStatter> statter_;
};

}  // namespace exporter::host::container
