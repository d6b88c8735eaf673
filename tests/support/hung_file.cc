#include "tests/support/hung_file.h"

#include <dlfcn.h>
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>
#include <utility>

namespace {

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  std::string hung;  ///< empty: no file is
  int waiting = 0;
};

State& state() {
  static State instance;
  return instance;
}

}  // namespace

HungFile::HungFile(std::string path) {
  const std::scoped_lock lock(state().mutex);
  state().hung = std::move(path);
}

HungFile::~HungFile() {
  std::unique_lock lock(state().mutex);
  state().hung.clear();
  state().changed.notify_all();
  state().changed.wait(lock, [] { return state().waiting == 0; });
}

/// Replaces the C library's: the program's own symbols have priority.
extern "C" int stat(const char* path, struct stat* status) noexcept {
  {
    std::unique_lock lock(state().mutex);
    if (!state().hung.empty() && state().hung == path) {
      ++state().waiting;
      state().changed.wait(lock, [] { return state().hung.empty(); });
      --state().waiting;
      state().changed.notify_all();
    }
  }
  using Function = int (*)(const char*, struct stat*);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "stat"));
  return real(path, status);
}
