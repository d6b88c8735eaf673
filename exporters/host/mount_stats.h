#pragma once

#include <sys/vfs.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/deadline.h"

namespace exporter::host {

/// A place in the mount table: the mount's number, which the kernel does not reuse while this is
/// waited for, and its path in this process.
struct MountPoint {
  std::uint64_t id;
  std::string path;
};

/// The result of statfs(2) for a mounted file system.
struct MountStat {
  int error = 0;  ///< errno value; the rest is only valid if it is 0
  double size_bytes = 0, free_bytes = 0, available_bytes = 0, files = 0, files_free = 0;
};

/// The mounts that hang, for all who share it: none of them asks such a mount, so that it costs one
/// thread, however many collectors ask and however often a reload replaces them. Thread-safe.
class HungMounts {
 public:
  static const std::shared_ptr<HungMounts>& of_process();

  void add(std::uint64_t id);
  void remove(std::uint64_t id);
  bool contains(std::uint64_t id) const;

 private:
  mutable std::mutex mutex_;
  std::multiset<std::uint64_t> ids_;
};

/// Asks file systems for their sizes in bounded time, even if one (NFS, FUSE, a failing disk) never
/// responds. One thread asks them in turn; if it gets stuck, others continue with the rest. A hung
/// mount costs one thread and is not asked again until that thread returns.
class MountStatter {
 public:
  /// Fills in the result of statfs(2) and returns its errno value, or 0.
  using StatFunction = std::function<int(const char* path, struct statfs& stat)>;
  static int system_stat(const char* path, struct statfs& stat);

  /// `workers`: how many threads to add at a time while no mount responds. Asks the system, and
  /// shares what hangs with all others of the process.
  explicit MountStatter(std::size_t workers);
  MountStatter(std::size_t workers, StatFunction stat,
               std::shared_ptr<HungMounts> hung = std::make_shared<HungMounts>());
  /// Does not wait for hung threads; they end when their calls return.
  ~MountStatter();
  MountStatter(const MountStatter&) = delete;
  MountStatter& operator=(const MountStatter&) = delete;

  using Mounts = std::shared_ptr<const std::vector<MountPoint>>;
  /// One item for each mount: its result, or nothing if it did not respond before `end` (or a
  /// stop), or still hangs from an earlier call, be it of another one that shares its HungMounts.
  /// Throws Error{io} if no thread can be started. Not thread-safe.
  std::vector<std::optional<MountStat>> stat(Mounts mounts, Clock::time_point end,
                                             const std::stop_token& stop = {});

  /// How many mounts hang that this one asked.
  std::size_t stuck() const;

 private:
  struct Batch;
  struct Shared;

  std::shared_ptr<Batch> make_batch(Mounts mounts) const;
  static void serve(const std::shared_ptr<Shared>& shared);
  int start_worker();

  std::size_t workers_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace exporter::host
