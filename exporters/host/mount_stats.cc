#include "exporters/host/mount_stats.h"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#include "common/base/error.h"

namespace exporter::host {
namespace {

/// A local file system responds in microseconds: if nothing responds for so long, one hangs.
constexpr auto kPatience = std::chrono::milliseconds(10);
/// The number of hung threads is limited by the number of hung mounts and by this.
constexpr std::size_t kMaxThreads = 1024;

MountStat to_mount_stat(const struct statfs& stat) {
  // Blocks are counted in fragments, as in statvfs(3) and df.
  const auto unit = static_cast<double>(stat.f_frsize != 0 ? stat.f_frsize : stat.f_bsize);
  return {.size_bytes = static_cast<double>(stat.f_blocks) * unit,
          .free_bytes = static_cast<double>(stat.f_bfree) * unit,
          .available_bytes = static_cast<double>(stat.f_bavail) * unit,
          .files = static_cast<double>(stat.f_files),
          .files_free = static_cast<double>(stat.f_ffree)};
}

}  // namespace

/// The mounts of one call. Outlives the call while a thread hangs in one of them.
struct MountStatter::Batch {
  enum class State { skipped, waiting, running, answered };
  struct Slot {
    State state = State::waiting;
    bool hung = false;  ///< nobody waits for it any more
    MountStat stat;
  };

  Mounts mounts;
  std::vector<Slot> slots;
  std::size_t next = 0;  ///< no earlier slot waits
  std::size_t open = 0;  ///< slots that wait or run

  bool has_work() {
    while (next < slots.size() && slots[next].state != State::waiting) ++next;
    return next < slots.size();
  }
};

/// Shared by the threads and the MountStatter, which they may outlive. The threads do not allocate
/// memory, so that each costs only its stack.
struct MountStatter::Shared {
  StatFunction stat;
  std::shared_ptr<HungMounts> hung;
  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable_any answered;
  std::shared_ptr<Batch> batch;
  std::size_t threads = 0, idle = 0, stuck = 0;
  bool closed = false;

  bool has_work() const { return batch && batch->has_work(); }
};

const std::shared_ptr<HungMounts>& HungMounts::of_process() {
  static const auto kMounts = std::make_shared<HungMounts>();
  return kMounts;
}

void HungMounts::add(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  ids_.insert(id);
}

void HungMounts::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  ids_.erase(ids_.find(id));
}

bool HungMounts::contains(std::uint64_t id) const {
  const std::lock_guard lock(mutex_);
  return ids_.contains(id);
}

int MountStatter::system_stat(const char* path, struct statfs& stat) {
  int result = 0;
  do {
    result = ::statfs(path, &stat);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}

MountStatter::MountStatter(std::size_t workers)
    : MountStatter(workers, system_stat, HungMounts::of_process()) {}

MountStatter::MountStatter(std::size_t workers, StatFunction stat, std::shared_ptr<HungMounts> hung)
    : workers_(std::max<std::size_t>(workers, 1)), shared_(std::make_shared<Shared>()) {
  shared_->stat = std::move(stat);
  shared_->hung = std::move(hung);
}

MountStatter::~MountStatter() {
  const std::lock_guard lock(shared_->mutex);
  shared_->closed = true;
  shared_->work.notify_all();
}

std::vector<std::optional<MountStat>> MountStatter::stat(Mounts mounts, Clock::time_point end,
                                                         const std::stop_token& stop) {
  std::unique_lock lock(shared_->mutex);
  const auto batch = make_batch(std::move(mounts));
  const auto done = [&] { return batch->open == 0; };
  if (!done()) {
    const int error = shared_->idle > 0 ? 0 : start_worker();
    if (error != 0 && shared_->threads <= shared_->stuck) {
      throw io_error("cannot start a thread", error);
    }
    shared_->batch = batch;
    shared_->work.notify_one();
  }
  while (!done() && Clock::now() < end && !stop.stop_requested()) {
    const auto open = batch->open;
    if (shared_->answered.wait_until(lock, stop, std::min(end, Clock::now() + kPatience), done)) {
      break;
    }
    if (batch->open != open) continue;
    for (std::size_t i = 0; i < workers_ && batch->has_work(); ++i) start_worker();
  }
  shared_->batch = nullptr;

  std::vector<std::optional<MountStat>> stats(batch->slots.size());
  for (std::size_t i = 0; i < stats.size(); ++i) {
    auto& slot = batch->slots[i];
    if (slot.state == Batch::State::answered) stats[i] = slot.stat;
    if (slot.state != Batch::State::running) continue;
    slot.hung = true;
    ++shared_->stuck;
    shared_->hung->add((*batch->mounts)[i].id);
  }
  return stats;
}

std::size_t MountStatter::stuck() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->stuck;
}

std::shared_ptr<MountStatter::Batch> MountStatter::make_batch(Mounts mounts) const {
  auto batch = std::make_shared<Batch>();
  batch->slots.resize(mounts->size());
  batch->open = mounts->size();
  for (std::size_t i = 0; i < mounts->size(); ++i) {
    if (!shared_->hung->contains((*mounts)[i].id)) continue;
    batch->slots[i].state = Batch::State::skipped;
    --batch->open;
  }
  batch->mounts = std::move(mounts);
  return batch;
}

/// Returns the errno value if the system does not allow more threads.
int MountStatter::start_worker() {
  if (shared_->threads >= kMaxThreads) return EAGAIN;
  try {
    std::thread([shared = shared_] { serve(shared); }).detach();
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  ++shared_->threads;
  return 0;
}

/// The loop of a thread: processes mounts one by one. When there are none left, one thread waits
/// for the next call and the others end.
void MountStatter::serve(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (!shared->closed) {
    if (shared->has_work()) {
      const auto batch = shared->batch;
      const auto index = batch->next++;
      auto& slot = batch->slots[index];
      slot.state = Batch::State::running;
      lock.unlock();
      struct statfs stat {};
      const int error = shared->stat((*batch->mounts)[index].path.c_str(), stat);
      lock.lock();
      slot.stat = error == 0 ? to_mount_stat(stat) : MountStat{.error = error};
      slot.state = Batch::State::answered;
      if (slot.hung) {
        --shared->stuck;
        shared->hung->remove((*batch->mounts)[index].id);
      }
      if (--batch->open == 0) shared->answered.notify_all();
    } else {
      if (shared->idle > 0) break;
      ++shared->idle;
      shared->work.wait(lock, [&] { return shared->closed || shared->has_work(); });
      --shared->idle;
    }
  }
  --shared->threads;
}

}  // namespace exporter::host
