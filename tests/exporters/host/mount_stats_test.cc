#include "exporters/host/mount_stats.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <set>

using namespace exporter;
using namespace exporter::host;
using namespace std::chrono_literals;

namespace {

/// File systems, some of which hang until they are released.
class FileSystems {
 public:
  ~FileSystems() { free_all(); }

  MountStatter::StatFunction stat() {
    return [state = state_](const char* path, struct statfs& stat) {
      std::unique_lock lock(state->mutex);
      ++state->asked[path];
      state->changed.notify_all();
      state->changed.wait(lock, [&] { return !state->hung.contains(path); });
      ++state->answered;
      state->changed.notify_all();
      stat.f_frsize = 512;
      stat.f_bsize = 4096;
      stat.f_blocks = 100;
      stat.f_bfree = 50;
      stat.f_bavail = 25;
      stat.f_files = 9;
      stat.f_ffree = 7;
      return std::string_view(path).starts_with("/broken") ? EIO : 0;
    };
  }

  void hang(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    state_->hung.insert(path);
  }
  void free_all() {
    const std::lock_guard lock(state_->mutex);
    state_->hung.clear();
    state_->changed.notify_all();
  }
  int asked(const std::string& path) {
    const std::lock_guard lock(state_->mutex);
    return state_->asked[path];
  }
  /// Waits until that many calls have returned in total.
  void await_answers(int count) {
    std::unique_lock lock(state_->mutex);
    REQUIRE(state_->changed.wait_for(lock, 30s, [&] { return state_->answered >= count; }));
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::string, std::less<>> hung;
    std::map<std::string, int> asked;
    int answered = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

MountStatter::Mounts mounts(const std::vector<std::string>& paths) {
  std::vector<MountPoint> places;
  for (const auto& path : paths) places.push_back({places.size() + 1, path});
  return std::make_shared<const std::vector<MountPoint>>(std::move(places));
}

/// One letter a mount: a(nswered), e(rror), - for none.
std::string shape(const std::vector<std::optional<MountStat>>& stats) {
  std::string text;
  for (const auto& stat : stats) text += !stat ? '-' : stat->error != 0 ? 'e' : 'a';
  return text;
}

/// Long enough for a busy machine: only calls for a hung mount take this long.
Clock::time_point soon() { return Clock::now() + 1s; }
Clock::time_point late() { return Clock::now() + 30s; }

}  // namespace

TEST_CASE("a file system's sizes are counted in its fragments") {
  FileSystems systems;
  MountStatter statter(4, systems.stat());
  const auto stats = statter.stat(mounts({"/a", "/broken"}), late());
  REQUIRE(shape(stats) == "ae");
  CHECK(stats[0]->size_bytes == 100 * 512);
  CHECK(stats[0]->free_bytes == 50 * 512);
  CHECK(stats[0]->available_bytes == 25 * 512);
  CHECK(stats[0]->files == 9);
  CHECK(stats[0]->files_free == 7);
  CHECK(stats[1]->error == EIO);
}

TEST_CASE("the system's statfs answers for a real directory and says why it cannot") {
  MountStatter statter(4);
  const auto stats = statter.stat(mounts({"/", "/nonexistent"}), late());
  REQUIRE(shape(stats) == "ae");
  CHECK(stats[0]->size_bytes > 0);
  CHECK(stats[1]->error == ENOENT);
}

TEST_CASE("a mount that hangs costs its own answer alone, already at the first call") {
  FileSystems systems;
  MountStatter statter(4, systems.stat());
  const auto all = mounts({"/a", "/dead", "/b", "/c"});
  REQUIRE(shape(statter.stat(all, late())) == "aaaa");
  systems.hang("/dead");
  const auto begin = Clock::now();
  CHECK(shape(statter.stat(all, soon())) == "a-aa");
  CHECK(Clock::now() - begin < 10s);
  CHECK(statter.stuck() == 1);
}

TEST_CASE("a mount that hangs is asked again only after it answered, and recovers then") {
  FileSystems systems;
  MountStatter statter(4, systems.stat());
  const auto all = mounts({"/a", "/dead", "/b"});
  systems.hang("/dead");
  REQUIRE(shape(statter.stat(all, soon())) == "a-a");
  for (int i = 0; i < 20; ++i) REQUIRE(shape(statter.stat(all, late())) == "a-a");
  CHECK(systems.asked("/dead") == 1);
  CHECK(systems.asked("/a") == 21);

  systems.free_all();
  systems.await_answers(43);
  while (statter.stuck() > 0) std::this_thread::yield();
  CHECK(shape(statter.stat(all, late())) == "aaa");
  CHECK(systems.asked("/dead") == 2);
}

TEST_CASE("a mount that hangs costs one thread for all that share what hangs") {
  FileSystems systems;
  const auto hung = std::make_shared<HungMounts>();
  const auto all = mounts({"/a", "/dead"});
  systems.hang("/dead");
  // As a reload does, each replaces the one before it.
  auto statter = std::make_unique<MountStatter>(4, systems.stat(), hung);
  REQUIRE(shape(statter->stat(all, soon())) == "a-");
  for (int i = 0; i < 5; ++i) {
    statter = std::make_unique<MountStatter>(4, systems.stat(), hung);
    CHECK(shape(statter->stat(all, soon())) == "a-");
    CHECK(statter->stuck() == 0);
  }
  CHECK(systems.asked("/dead") == 1);

  systems.free_all();
  systems.await_answers(7);
  while (hung->contains(2)) std::this_thread::yield();
  CHECK(shape(statter->stat(all, late())) == "aa");
}

TEST_CASE("another file system that is mounted over a hung one's path is asked") {
  FileSystems systems;
  MountStatter statter(4, systems.stat());
  systems.hang("/dead");
  const auto place = [](std::uint64_t id, const char* path) {
    return std::make_shared<const std::vector<MountPoint>>(1, MountPoint{id, path});
  };
  REQUIRE(shape(statter.stat(place(1, "/dead"), soon())) == "-");
  CHECK(shape(statter.stat(place(1, "/other"), late())) == "-");
  CHECK(shape(statter.stat(place(2, "/other"), late())) == "a");
}

TEST_CASE("many mounts that hang at once leave all others their answers") {
  std::vector<std::string> paths;
  std::string expected, found;
  for (int i = 0; i < 60; ++i) {
    paths.push_back((i % 3 == 0 ? "/good" : "/dead") + std::to_string(i));
    expected += i % 3 == 0 ? 'a' : '-';
  }
  const auto all = mounts(paths);
  // 40 mounts hang, and 4 threads are started every 10 ms, so 100 ms suffice on an idle machine. A
  // hung mount takes all the time that the call is given, so a busy machine gets more only if
  // needed.
  for (auto wait = 500ms; found != expected && wait < 60s; wait *= 3) {
    FileSystems systems;
    for (const auto& path : paths) {
      if (path.starts_with("/dead")) systems.hang(path);
    }
    MountStatter statter(4, systems.stat());
    found = shape(statter.stat(all, Clock::now() + wait));
    if (found != expected) continue;
    CHECK(statter.stuck() == 40);
    CHECK(shape(statter.stat(all, late())) == expected);
  }
  CHECK(found == expected);
}

TEST_CASE("a stop ends the wait for a mount that hangs") {
  FileSystems systems;
  MountStatter statter(4, systems.stat());
  systems.hang("/dead");
  std::stop_source stop;
  auto stats = std::async(std::launch::async, [&] {
    return statter.stat(mounts({"/dead"}), Clock::now() + 600s, stop.get_token());
  });
  stop.request_stop();
  CHECK(shape(stats.get()) == "-");
}

TEST_CASE("a statter ends while a mount hangs, and the thread ends when the mount answers") {
  FileSystems systems;
  systems.hang("/dead");
  auto stat = systems.stat();
  const auto alive = std::make_shared<int>(0);
  auto statter = std::make_unique<MountStatter>(
      4, [stat, alive](const char* path, struct statfs& out) { return stat(path, out); });
  REQUIRE(shape(statter->stat(mounts({"/a", "/dead"}), soon())) == "a-");
  statter.reset();
  CHECK(alive.use_count() > 1);
  systems.free_all();
  const auto end = Clock::now() + 30s;
  while (alive.use_count() > 1 && Clock::now() < end) std::this_thread::yield();
  CHECK(alive.use_count() == 1);
}
