#include "tests/support/slow_names.h"

#include <dlfcn.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <string_view>

namespace {

struct State {
  std::mutex mutex;
  std::condition_variable changed;
  bool slow = false;
  int waiting = 0;
};

State& state() {
  static State instance;
  return instance;
}

}  // namespace

SlowNames::SlowNames() {
  const std::scoped_lock lock(state().mutex);
  state().slow = true;
}

SlowNames::~SlowNames() {
  std::unique_lock lock(state().mutex);
  state().slow = false;
  state().changed.notify_all();
  state().changed.wait(lock, [] { return state().waiting == 0; });
}

/// Replaces the C library's: the program's own symbols have priority.
extern "C" int getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                           addrinfo** result) {
  if (node != nullptr && std::string_view(node) == "slow.test") {
    std::unique_lock lock(state().mutex);
    ++state().waiting;
    state().changed.wait(lock, [] { return !state().slow; });
    --state().waiting;
    state().changed.notify_all();
    return EAI_FAIL;
  }
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  return real(node, service, hints, result);
}
