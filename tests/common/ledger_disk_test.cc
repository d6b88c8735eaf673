// Directories and disks that a ledger cannot write to, and the size of what it writes.

#include <dlfcn.h>
#include <sqlite3.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/common/ledger_state_fixture.h"

using namespace state_fixture;

namespace {

/// During its lifetime this thread has none of root's permissions on files.
class Unprivileged {
 public:
  Unprivileged() {
    if (::geteuid() == 0) ::setfsuid(65534);
  }
  ~Unprivileged() { ::setfsuid(::geteuid()); }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;
};

/// During its lifetime no file of this process grows beyond a size: writes fail as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit limit{bytes, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

/// During its lifetime fcntl() has no lock service, as on NFS without lockd.
class NoLocks {
 public:
  NoLocks() : vfs_(sqlite3_vfs_find(nullptr)), before_(vfs_->xGetSystemCall(vfs_, "fcntl")) {
    vfs_->xSetSystemCall(vfs_, "fcntl", reinterpret_cast<sqlite3_syscall_ptr>(refuse));
  }
  ~NoLocks() { vfs_->xSetSystemCall(vfs_, "fcntl", before_); }
  NoLocks(const NoLocks&) = delete;
  NoLocks& operator=(const NoLocks&) = delete;

 private:
  static int refuse(int, int, ...) {
    errno = ENOLCK;
    return -1;
  }
  sqlite3_vfs* vfs_;
  sqlite3_syscall_ptr before_;
};

/// The files for which this thread called fsync(2) during its lifetime.
class Synced {
 public:
  Synced() { current_ = this; }
  ~Synced() { current_ = nullptr; }
  Synced(const Synced&) = delete;
  Synced& operator=(const Synced&) = delete;

  std::ptrdiff_t count(const std::filesystem::path& path) const {
    return std::ranges::count(paths_, path);
  }

  static void note(int descriptor) {
    if (current_ == nullptr) return;
    current_->paths_.push_back(
        std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor)));
  }

 private:
  static thread_local Synced* current_;
  std::vector<std::filesystem::path> paths_;
};
thread_local Synced* Synced::current_ = nullptr;

}  // namespace

/// Replaces the C library's: the program's own symbols have priority.
extern "C" int fsync(int descriptor) {
  Synced::note(descriptor);
  using Function = int (*)(int);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "fsync"));
  return real(descriptor);
}

TEST_CASE("a ledger that cannot be written is an error at the start") {
  StateDirectory state;
  SECTION("a file in place of the directory") {
    const auto file = state.directory.write("state", "");
    CHECK(error_of(Reason::io, [&] { Ledger("test", file, {}, kStart); }) ==
          "state directory " + file + "/: Not a directory");
  }
  SECTION("a directory that is not there and cannot be made") {
    const auto directory = state.directory.path() / "a" / "b";
    CHECK(error_of(Reason::io, [&] { Ledger("test", directory, {}, kStart); }) ==
          "state directory " + directory.string() + ": No such file or directory");
  }
  SECTION("a directory in place of the file") {
    std::filesystem::create_directory(state.file());
    CHECK(state.error_of_open(Reason::io) ==
          "DIRECTORY/test.ledger: unable to open database file: Is a directory");
  }
  SECTION("a directory without the right to write, new or with a ledger") {
    const bool with_ledger = GENERATE(false, true);
    if (with_ledger) fill(state);
    ::chmod(state.directory.path().c_str(), 0555);
    if (with_ledger) ::chmod(state.file().c_str(), 0666);
    const Unprivileged user;
    CHECK(state.error_of_open(Reason::io) == "state directory DIRECTORY/: Permission denied");
    ::chmod(state.directory.path().c_str(), 0755);
  }
  SECTION("a file without the right to write") {
    fill(state);
    ::chmod(state.directory.path().c_str(), 0777);
    ::chmod(state.file().c_str(), 0444);
    const Unprivileged user;
    CHECK(state.error_of_open(Reason::io) == "DIRECTORY/test.ledger: Permission denied");
  }
  SECTION("a full disk") {
    const FileSizeLimit limit(0);
    CHECK(state.error_of_open(Reason::io) ==
          "DIRECTORY/test.ledger: disk I/O error: File too large");
  }
}

TEST_CASE("a state directory that is made outlasts a power cut, as its ledger does") {
  StateDirectory state;
  const auto parent = std::filesystem::canonical(state.directory.path());
  const std::string ending = GENERATE("", "/");
  {
    const Synced synced;
    const Ledger ledger("test", (parent / "state").string() + ending, {}, kStart);
    CHECK(synced.count(parent) == 1);
    CHECK(synced.count(parent / "state") > 0);
  }
  const Synced synced;
  const Ledger other("other", parent / "state", {}, kStart);
  CHECK(synced.count(parent) == 0);
}

TEST_CASE("a full disk fails the run, nothing changes, and the next one catches up") {
  StateDirectory state;
  auto ledger = state.open(kStart);
  report(*ledger, "a", 1);
  const auto size = std::filesystem::file_size(state.file() + "-wal");
  {
    const FileSizeLimit limit(size + 5000);
    CHECK(error_of(Reason::io, [&] {
            report(*ledger, "b", 1);
          }).starts_with(state.file() + ": disk I/O error"));
    CHECK(page(*ledger) == page_of("1"));
    CHECK(ledger->figures()->open_events == 1);
    CHECK(begin(*ledger).metadata("position") == "after a");
  }
  report(*ledger, "b", 1);
  report(*ledger, "a", 1);
  CHECK(page(*ledger) == page_of("2"));
  ledger.reset();
  ledger = state.open();
  { const auto run = begin(*ledger); }
  CHECK(page(*ledger) == page_of("2"));
}

TEST_CASE("a disk that fills in the middle of a run fails all of it") {
  StateDirectory state;
  const auto ledger = state.open(kStart);
  report(*ledger, "a", 1);
  const auto record_many = [&] {
    auto run = begin(*ledger);
    for (int i = 0; i < 30'000; ++i) {
      run.record(kTasks, {std::to_string(i) + std::string(1000, '-'), kStart}, 1, "ok");
    }
    run.commit();
  };
  {
    const FileSizeLimit limit(1'000'000);
    CHECK(error_of(Reason::io, record_many) == state.file() + ": disk I/O error: File too large");
  }
  CHECK(page(*ledger) == page_of("1"));
  record_many();
  CHECK(page(*ledger) == page_of("30001"));
}

TEST_CASE("a file of the older kind, which needs room to be rebuilt, is used without that") {
  StateDirectory state;
  report(*state.open(), "a", 1);
  sqlite3* file = nullptr;
  REQUIRE(sqlite3_open(state.file().c_str(), &file) == SQLITE_OK);
  CHECK(sqlite3_exec(file, "PRAGMA auto_vacuum = NONE; VACUUM", nullptr, nullptr, nullptr) ==
        SQLITE_OK);
  REQUIRE(sqlite3_close(file) == SQLITE_OK);
  const auto size = std::filesystem::file_size(state.file());
  {
    const FileSizeLimit limit(size / 2);
    const auto ledger = state.open();
    report(*ledger, "a", 1);
    CHECK(page(*ledger) == page_of("1"));
  }
  const auto ledger = state.open();
  report(*ledger, "b", 1);
  CHECK(page(*ledger) == page_of("2"));
}

TEST_CASE("a state directory is made in one that may not be read") {
  const StateDirectory state;
  ::chmod(state.directory.path().c_str(), 0733);
  {
    const Unprivileged user;
    const Ledger ledger("test", state.directory.path() / "new", {}, kStart);
  }
  ::chmod(state.directory.path().c_str(), 0755);
  CHECK(std::filesystem::exists(state.directory.path() / "new" / "test.ledger"));
}

TEST_CASE("a file system without locks is reported as what it is") {
  StateDirectory state;
  const NoLocks no_locks;
  CHECK(state.error_of_open(Reason::io) ==
        "DIRECTORY/test.ledger: cannot be locked: the file system has no lock service (NFS without "
        "lockd?)");
}

TEST_CASE("a link to itself in place of the file is an error like any other") {
  StateDirectory state;
  std::filesystem::create_symlink("test.ledger", state.file());
  CHECK(state.error_of_open(Reason::io) ==
        "DIRECTORY/test.ledger: Too many levels of symbolic links");
}

TEST_CASE("a file that was being created when the power was cut is created again") {
  StateDirectory state;
  for (const auto* name : {"test.ledger.new", "test.ledger.new-wal", "test.ledger.new-journal"}) {
    state.directory.write(name, "cut off");
  }
  check_fresh(*state.open(), false);
  CHECK(state.names() == "test.ledger ");
}

TEST_CASE("a file shrinks after a burst, within a bounded time a run") {
  StateDirectory state;
  const auto ledger = state.open(kStart);
  const Ledger::Options options = {.allowed_lateness = 1h};
  const auto run_at = [&](int hour, int events) {
    const auto now = kStart + std::chrono::hours(hour);
    auto run = ledger->begin(fixture::soon(), options, now);
    for (int i = 0; i < events; ++i) {
      const auto id = std::to_string(hour) + std::string(200, '-') + std::to_string(i);
      run.record(kTasks, {id, now}, 1, "ok");
    }
    run.commit();
  };
  run_at(1, 100'000);
  const auto burst = ledger->figures()->size_bytes;
  CHECK(burst > 20 << 20);
  auto before = burst;
  for (int hour = 2; hour < 12; ++hour) {
    run_at(hour, 1);
    const auto size = ledger->figures()->size_bytes;
    CHECK(before - size <= 9 << 20);
    before = size;
  }
  CHECK(before < 2 << 20);
  CHECK(static_cast<std::int64_t>(std::filesystem::file_size(state.file())) < burst);
}

TEST_CASE("a file that is used alike does not shrink and grow with each run") {
  StateDirectory state;
  const auto ledger = state.open(kStart);
  const Ledger::Options options = {.allowed_lateness = 16h};
  int shrunk = 0;
  std::int64_t before = 0;
  for (int hour = 1; hour < 80; ++hour) {
    const auto now = kStart + std::chrono::hours(hour);
    auto run = ledger->begin(fixture::soon(), options, now);
    for (int i = 0; i < 1000; ++i) {
      run.record(kTasks, {std::to_string(hour * 1000 + i) + std::string(200, '-'), now}, 1, "ok");
    }
    run.commit();
    const auto size = ledger->figures()->size_bytes;
    if (size < before) ++shrunk;
    before = size;
  }
  CHECK(shrunk == 0);
  CHECK(before < 10 << 20);  // open: 17 of 80 hours
}
