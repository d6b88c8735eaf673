#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "exporters/host/container/engine.h"
#include "tests/support/temporary_directory.h"

/// Shared by tests of an engine's follower.
namespace followed_engine {

using namespace exporter;
using namespace std::chrono_literals;
using host::container::Engine;
using host::container::EngineOptions;

/// A socket in a directory of its own, and engines' followers with short pauses.
struct Fixture {
  TemporaryDirectory directory;
  std::filesystem::path socket = directory.path() / "docker.sock";
  EngineOptions options{.name = "/run/docker.sock",
                        .socket = socket,
                        .labels = {"team"},
                        .max_containers = 100,
                        .first_pause = 1ms,
                        .longest_pause = 20ms};
};

inline Clock::time_point soon() { return Clock::now() + 100s; }

/// Less than the shortest wait of a follower, 5 s.
inline constexpr auto kAtOnce = 4s;

/// Waits for something that an engine's follower does; false at the timeout.
inline bool eventually(const std::function<bool()>& holds) {
  for (const auto end = soon(); Clock::now() < end; std::this_thread::yield()) {
    if (holds()) return true;
  }
  return false;
}

/// "name state" of each container, in the order of the ids.
inline std::string states(const Engine& engine) {
  std::string text;
  const auto containers = engine.view().containers;
  for (const auto& [id, container] : *containers) {
    text += container->name + ' ' + container->state + '\n';
  }
  return text;
}

}  // namespace followed_engine
