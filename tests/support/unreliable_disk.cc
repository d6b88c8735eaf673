#include "tests/support/unreliable_disk.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr auto kNever = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kSector = 512;

/// The old content of a write that is not synced.
struct Unsynced {
  std::string path;
  sqlite3_int64 offset;
  std::string before;  ///< zeros beyond the file's end
};

struct Disk {
  std::int64_t operations = 0;
  std::int64_t fails_at = kNever, fails_until = kNever, ends_at = kNever;
  bool has_ended = false, is_power_cut = false;
  std::mt19937_64 random;
  std::vector<Unsynced> unsynced;

  /// The result of the next modifying operation.
  int next() {
    ++operations;
    if (operations >= ends_at) has_ended = true;
    if (has_ended) return SQLITE_IOERR_WRITE;
    return operations >= fails_at && operations < fails_until ? SQLITE_FULL : SQLITE_OK;
  }
};

Disk* disk = nullptr;  // SQLite's callbacks have no user data

/// A file of the real VFS.
struct File {
  sqlite3_file base;
  const char* path;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File& file(sqlite3_file* base) { return *reinterpret_cast<File*>(base); }
sqlite3_file* real(sqlite3_file* base) { return file(base).real(); }

void remember(sqlite3_file* base, sqlite3_int64 offset, std::size_t size) {
  if (!disk->is_power_cut || file(base).path == nullptr) return;
  std::string before(size, '\0');
  // Missing bytes are read as zeros.
  real(base)->pMethods->xRead(real(base), before.data(), static_cast<int>(size), offset);
  disk->unsynced.push_back({file(base).path, offset, std::move(before)});
}

int write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 offset) {
  if (const int code = disk->next(); code != SQLITE_OK) return code;
  remember(base, offset, static_cast<std::size_t>(size));
  return real(base)->pMethods->xWrite(real(base), bytes, size, offset);
}

int truncate(sqlite3_file* base, sqlite3_int64 size) {
  if (const int code = disk->next(); code != SQLITE_OK) return code;
  sqlite3_int64 end = 0;
  real(base)->pMethods->xFileSize(real(base), &end);
  if (end > size) remember(base, size, static_cast<std::size_t>(end - size));
  return real(base)->pMethods->xTruncate(real(base), size);
}

/// Does not sync the real disk: these tests do not cut the machine's power.
int sync(sqlite3_file* base, int) {
  if (const int code = disk->next(); code != SQLITE_OK) return code;
  const char* path = file(base).path;
  if (path != nullptr) {
    std::erase_if(disk->unsynced, [&](const auto& write) { return write.path == path; });
  }
  return SQLITE_OK;
}

int close(sqlite3_file* base) { return real(base)->pMethods->xClose(real(base)); }
int read(sqlite3_file* base, void* bytes, int size, sqlite3_int64 offset) {
  return real(base)->pMethods->xRead(real(base), bytes, size, offset);
}
int file_size(sqlite3_file* base, sqlite3_int64* size) {
  return real(base)->pMethods->xFileSize(real(base), size);
}
int lock(sqlite3_file* base, int level) { return real(base)->pMethods->xLock(real(base), level); }
int unlock(sqlite3_file* base, int level) {
  return real(base)->pMethods->xUnlock(real(base), level);
}
int is_reserved(sqlite3_file* base, int* out) {
  return real(base)->pMethods->xCheckReservedLock(real(base), out);
}
int control(sqlite3_file* base, int operation, void* argument) {
  return real(base)->pMethods->xFileControl(real(base), operation, argument);
}
int sector_size(sqlite3_file* base) { return real(base)->pMethods->xSectorSize(real(base)); }
int characteristics(sqlite3_file* base) {
  return real(base)->pMethods->xDeviceCharacteristics(real(base));
}

constexpr sqlite3_io_methods make_methods() {
  sqlite3_io_methods methods{};
  methods.iVersion = 1;  // without shared memory, which an exclusive lock does not need
  methods.xClose = close;
  methods.xRead = read;
  methods.xWrite = write;
  methods.xTruncate = truncate;
  methods.xSync = sync;
  methods.xFileSize = file_size;
  methods.xLock = lock;
  methods.xUnlock = unlock;
  methods.xCheckReservedLock = is_reserved;
  methods.xFileControl = control;
  methods.xSectorSize = sector_size;
  methods.xDeviceCharacteristics = characteristics;
  return methods;
}
constexpr sqlite3_io_methods kMethods = make_methods();

sqlite3_vfs* real_vfs(sqlite3_vfs* shim) { return static_cast<sqlite3_vfs*>(shim->pAppData); }

int open(sqlite3_vfs* shim, const char* path, sqlite3_file* base, int flags, int* out) {
  base->pMethods = nullptr;
  if (disk->has_ended) return SQLITE_CANTOPEN;
  file(base).path = path;
  const int code = real_vfs(shim)->xOpen(real_vfs(shim), path, real(base), flags, out);
  if (code == SQLITE_OK) base->pMethods = &kMethods;
  return code;
}

int remove(sqlite3_vfs* shim, const char* path, int syncs) {
  if (disk->has_ended) return SQLITE_IOERR_DELETE;
  std::erase_if(disk->unsynced, [&](const auto& write) { return write.path == path; });
  return real_vfs(shim)->xDelete(real_vfs(shim), path, syncs);
}

}  // namespace

struct UnreliableDisk::Shim {
  Disk state;
  sqlite3_vfs vfs;
  sqlite3_vfs* before;
};

UnreliableDisk::UnreliableDisk() : shim_(std::make_unique<Shim>()) {
  shim_->before = sqlite3_vfs_find(nullptr);
  shim_->vfs = *shim_->before;
  shim_->vfs.pNext = nullptr;
  shim_->vfs.zName = "unreliable";
  shim_->vfs.szOsFile = static_cast<int>(sizeof(File)) + shim_->before->szOsFile;
  shim_->vfs.pAppData = shim_->before;
  shim_->vfs.xOpen = open;
  shim_->vfs.xDelete = remove;
  disk = &shim_->state;
  if (sqlite3_vfs_register(&shim_->vfs, 1) != SQLITE_OK) throw std::runtime_error("no VFS");
}

UnreliableDisk::~UnreliableDisk() {
  sqlite3_vfs_unregister(&shim_->vfs);
  sqlite3_vfs_register(shim_->before, 1);
  disk = nullptr;
}

void UnreliableDisk::fail(std::int64_t operation, std::int64_t count) {
  shim_->state.fails_at = operation;
  shim_->state.fails_until = operation + count;
}

std::int64_t UnreliableDisk::operations() const { return shim_->state.operations; }

void UnreliableDisk::kill(std::int64_t operation) { shim_->state.ends_at = operation; }

void UnreliableDisk::cut_power(std::int64_t operation, std::uint64_t seed) {
  shim_->state.ends_at = operation;
  shim_->state.is_power_cut = true;
  shim_->state.random.seed(seed);
}

bool UnreliableDisk::has_ended() const { return shim_->state.has_ended; }

void UnreliableDisk::restart() {
  auto& state = shim_->state;
  for (auto write = state.unsynced.rbegin(); write != state.unsynced.rend(); ++write) {
    const auto fate = state.random() % 3;
    if (fate == 0) continue;  // it had reached the disk
    const auto sectors = write->before.size() / kSector + 1;
    const auto kept = fate == 1 ? 0 : state.random() % sectors * kSector;
    const int to = ::open(write->path.c_str(), O_WRONLY | O_CLOEXEC);
    if (to < 0) continue;
    const auto size = write->before.size() - kept;
    if (::pwrite(to, write->before.data() + kept, size,
                 write->offset + static_cast<sqlite3_int64>(kept)) < 0) {
      throw std::runtime_error("pwrite: " + write->path);
    }
    ::close(to);
  }
  state = Disk();
}
