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
  std::string device;  ///< its source, as the mount table has it
  MountPoint place;
  std::optional<MountStat> stat{};  ///< nothing when it did not answer
  Clock::time_point asked{};
};

/// What a container writes to, and the mount at its process's root by which that was found.
struct Layer {
  std::shared_ptr<const LayerSystem> system{};
  std::optional<std::uint64_t> root{};
};

/// Finds the file systems that the writable layers of containers lie on. However many lie on one,
/// it is asked for its size once a minute.
class Layers {
 public:
  explicit Layers(const Host& host, MountStatter::StatFunction stat = MountStatter::system_stat);

  /// The file system that a container writes to: that on which the upper folder of its overlay
  /// lies, in the words of its engine or, where these are empty, of the mounts of its process; or
  /// else that of the process's root. Nothing when it is not mounted on the host, when an overlay
  /// has no upper folder, or when nobody may look. Throws Error{decode}.
  std::shared_ptr<const LayerSystem> of(std::string_view pid, std::string_view upper_folder);
  /// Brings it up to date: the mounts of the process are only looked at again when another one is
  /// at its root.
  void update(Layer& layer, std::string_view pid, std::string_view upper_folder);
  /// Asks those that someone holds for their sizes, if it is time to; one that does not answer is
  /// waited for 400 ms. Throws Error{io} when no thread can be started.
  void ask(const Deadline& deadline);

 private:
  std::optional<std::uint64_t> root_mount_of(std::string_view pid) const;
  std::optional<Mount> root_of(std::string_view pid);
  const Mount* mount_of(std::string_view pid, std::string_view upper_folder);
  const Mount* mount_below(std::string_view folder) const;
  std::vector<Mount> read_table(const std::string& path);

  Files proc_;
  std::string rootfs_, table_path_;
  std::optional<std::vector<Mount>> table_{};  ///< of the host, read since the last ask()
  std::map<std::uint64_t, std::shared_ptr<LayerSystem>> systems_{};  ///< by the mount's number
  MountStatter statter_;
};

}  // namespace exporter::host::container
