#pragma once

#include <sys/vfs.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "common/base/deadline.h"

namespace exporter::host {

/// A place in the mount table: the mount's number, which the kernel gives to no other mount as long
/// as someone waits for this one, and the path where this process reaches it.
struct MountPoint {
  std::uint64_t id;
  std::string path;
};

/// What statfs(2) says of a mounted file system.
struct MountStat {
  int error = 0;  ///< errno's value; the rest is only valid when it is 0
  double size_bytes = 0, free_bytes = 0, available_bytes = 0, files = 0, files_free = 0;
};

/// Asks file systems for their sizes in bounded time, though a dead one (NFS, FUSE, a failing disk)
/// may never answer. One thread asks them in turn; when it does not come back, others take the
/// rest over. A mount that hangs costs one thread and is left alone until that thread returns.
class MountStatter {
 public:
  /// Fills in what statfs(2) does and gives errno's value, or 0.
  using StatFunction = std::function<int(const char* path, struct statfs& stat)>;
  static int system_stat(const char* path, struct statfs& stat);

  /// `workers`: how many threads to add at a time while nothing moves.
  explicit MountStatter(std::size_t workers, StatFunction stat = system_stat);
  /// Does not wait for threads that hang; they end when they return.
  ~MountStatter();
  MountStatter(const MountStatter&) = delete;
  MountStatter& operator=(const MountStatter&) = delete;

  using Mounts = std::shared_ptr<const std::vector<MountPoint>>;
  /// One item for each mount: its answer, or nothing when it did not answer before `end` (or a
  /// stop), or still hangs from an earlier call. Throws Error{io} when no thread can be started.
  /// Not for two threads at once.
  std::vector<std::optional<MountStat>> stat(Mounts mounts, Clock::time_point end,
                                             const std::stop_token& stop = {});

  /// How many mounts hang.
  std::size_t stuck() const;

 private:
  struct Batch;
  struct Shared;
  struct Stuck {
    std::uint64_t id;
    std::shared_ptr<const Batch> batch;
    std::size_t index;
  };

  std::shared_ptr<Batch> make_batch(Mounts mounts);
  static void serve(const std::shared_ptr<Shared>& shared);
  int start_worker();

  std::size_t workers_;
  std::shared_ptr<Shared> shared_;
  std::vector<Stuck> stuck_;
};

}  // namespace exporter::host
